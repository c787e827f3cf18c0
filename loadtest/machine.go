package loadtest

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"maskswitch/loadtest/report"
)

// ownCPU is what this process has used, user and system.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineTime is all cores' time so far, used and in all, in the kernel's
// ticks. It reports false where the system does not say.
func machineTime() (used, all float64, ok bool) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) < 6 || fields[0] != "cpu" {
		return 0, 0, false
	}
	for i, field := range fields[1:] {
		if i >= 8 { // guest time is in user time already
			break
		}
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, 0, false
		}
		all += n
		if i != 3 && i != 4 { // idle, iowait
			used += n
		}
	}
	return used, all, true
}

// treeCPU is what a process and its living descendants have used. It reports
// false where the system does not say.
func treeCPU(pid int) (time.Duration, bool) {
	all, ok := processes()
	if !ok {
		return 0, false
	}
	parents, used := map[int][]int{}, map[int]time.Duration{}
	for id, p := range all {
		parents[p.parent] = append(parents[p.parent], id)
		used[id] = p.cpu
	}
	sum, found := time.Duration(0), false
	for todo := []int{pid}; len(todo) > 0; todo = todo[1:] {
		if cpu, ok := used[todo[0]]; ok {
			sum, found = sum+cpu, true
		}
		todo = append(todo, parents[todo[0]]...)
	}
	return sum, found
}

// groupLives says whether anything of a process group still runs. A zombie holds
// nothing any more, unless it has threads that still go.
func groupLives(pid int) bool {
	all, _ := processes()
	for _, p := range all {
		if p.group == pid && (p.state != "Z" && p.state != "X" || p.threads > 1) {
			return true
		}
	}
	return false
}

// stat is what the system says of a process.
type stat struct {
	state                  string
	parent, group, threads int
	cpu                    time.Duration
}

// processes are all that there are. It reports false where the system does not
// say.
func processes() (map[int]stat, bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	all := make(map[int]stat)
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			if p, ok := processStat(id); ok {
				all[id] = p
			}
		}
	}
	return all, true
}

// processStat reads /proc/PID/stat (proc(5)): the name may hold anything, so the
// fields are counted from its closing bracket.
func processStat(pid int) (p stat, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return p, false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 18 {
		return p, false
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i])
		return n
	}
	return stat{
		state: fields[0], parent: number(1), group: number(2), threads: number(17),
		cpu: time.Duration(number(11)+number(12)) * 10 * time.Millisecond, // 100 ticks a second
	}, true
}

// machine describes where this runs.
func machine() report.Machine {
	m := report.Machine{Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
				kb, _ := strconv.ParseInt(fields[1], 10, 64)
				m.Memory = kb << 10
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.OS += " " + strings.TrimSpace(string(text))
	}
	return m
}
