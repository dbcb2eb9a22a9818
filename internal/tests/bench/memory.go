package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// sampling is how often the memory of a tree of processes is looked at.
const sampling = 25 * time.Millisecond

// watchMemory looks at the memory of a process and of all that it started until
// the returned function is called, which returns the peak in MB.
func watchMemory(root int) (peak func() float64) {
	most, ended, stopped := 0, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(sampling)
		defer ticker.Stop()
		for {
			most = max(most, residentOf(root, processes()))
			select {
			case <-ticker.C:
			case <-ended:
				return
			}
		}
	}()
	return func() float64 {
		close(ended)
		<-stopped
		return float64(most*os.Getpagesize()) / 1e6
	}
}

// member is a process as proc(5) describes it.
type member struct {
	parent int
	pages  int // resident
}

// processes are all processes of the machine.
func processes() map[int]member {
	all := map[int]member{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if m, valid := readStat(text); err == nil && valid {
			all[pid] = m
		}
	}
	return all
}

// readStat reads "pid (name) state ppid …"; the name may hold spaces and
// parentheses. The resident set is the 24th field.
func readStat(text []byte) (m member, valid bool) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 22 {
		return m, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return m, false
	}
	pages, err := strconv.Atoi(string(fields[21]))
	return member{parent, pages}, err == nil
}

// residentOf adds up the resident pages of a process and all below it.
func residentOf(root int, all map[int]member) (pages int) {
	for pid, m := range all {
		for at := pid; ; at = all[at].parent {
			if at == root {
				pages += m.pages
				break
			}
			if _, known := all[at]; !known {
				break
			}
		}
	}
	return pages
}
