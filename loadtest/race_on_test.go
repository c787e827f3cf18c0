//go:build race

package loadtest

const underRace = true
