package market

import (
	"testing"

	"maskswitch/actors/phone"
)

func TestNumbersArePossibleAndNobodysTwice(t *testing.T) {
	seen := map[string]string{}
	for _, kind := range []struct {
		name        string
		block, most int
	}{{"host", hostBlock, mostPeople}, {"guest", guestBlock, mostPeople}, {"stranger", strangerBlock, strangers}, {"proxy", proxyBlock, areaSize}} {
		// The first and the last ones, the borders of area codes, and some between.
		var indexes []int
		for i := 0; i < kind.most; i += 7919 {
			indexes = append(indexes, i)
		}
		for area := areaSize; area < kind.most; area += areaSize {
			indexes = append(indexes, area-1, area)
		}
		indexes = append(indexes, 1, 2, kind.most-1)
		for _, i := range indexes {
			n := numberIn(kind.block, i)
			if other, twice := seen[n]; twice && other != kind.name {
				t.Fatalf("%s is %s %d and %s", n, kind.name, i, other)
			}
			seen[n] = kind.name
			if _, err := phone.Parse(n); err != nil || len(n) != 12 || n[:2] != "+1" {
				t.Fatalf("%s %d is %s: %v", kind.name, i, n, err)
			}
			if n[5] != '1' {
				t.Fatalf("%s %d is %s, whose exchange could be somebody's", kind.name, i, n)
			}
		}
	}
}

func TestBlocksDoNotMeet(t *testing.T) {
	blocks := []int{hostBlock, guestBlock, strangerBlock, proxyBlock}
	sizes := []int{mostPeople, mostPeople, strangers, areaSize}
	for i := range blocks {
		last := numberIn(blocks[i], sizes[i]-1)
		if i+1 < len(blocks) && last >= numberIn(blocks[i+1], 0) {
			t.Errorf("block %d reaches %s, into the next", blocks[i], last)
		}
	}
	if hostBlock < 200 || proxyBlock > 999 {
		t.Error("area codes have three digits and begin with 2")
	}
}

func TestProxies(t *testing.T) {
	all := Proxies(20_000)
	seen := map[string]bool{}
	for _, n := range all {
		seen[n] = true
	}
	if len(all) != 20_000 || len(seen) != 20_000 {
		t.Fatalf("%d numbers, %d different ones", len(all), len(seen))
	}
	if few := Proxies(3); len(few) != 3 || few[2] != all[2] || all[0] != "+16001000000" {
		t.Errorf("%v, and of more %v", few, all[:3])
	}
	if none := Proxies(0); len(none) != 0 {
		t.Errorf("none are %v", none)
	}
}
