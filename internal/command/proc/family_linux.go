package proc

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	prSetChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER of prctl(2)
	// escapedTime limits the search for processes that left the group of a command: one
	// that forks faster than it is found must not hold us.
	escapedTime = 5 * time.Second
)

// family knows the running commands of this process. Each has a session of its own, which
// none of its processes can leave for ours; and as this process adopts their orphans,
// whatever a command leaves behind is found.
var family = members{leaders: map[int]bool{}}

type members struct {
	adopt    sync.Once
	starting sync.RWMutex // held for reading while a command starts: its process is not known yet

	mu      sync.Mutex
	leaders map[int]bool
}

// start starts a command by begin, which returns the process id, and remembers it.
func (m *members) start(begin func() (pid int, err error)) error {
	m.adopt.Do(func() { _, _, _ = syscall.RawSyscall6(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0, 0, 0, 0) }) // without it, init adopts them
	m.starting.RLock()
	defer m.starting.RUnlock()
	pid, err := begin()
	if err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.leaders[pid] = true
	}
	return err
}

// end ends the processes that left the group of a command, whose leader was waited for.
// Those in sessions of their own cannot be told from those of other commands while others
// run: they end with the last command.
func (m *members) end(leader int) {
	m.mu.Lock()
	delete(m.leaders, leader)
	m.mu.Unlock()
	began, signal := time.Now(), syscall.SIGTERM
	for {
		left := m.signal(leader, signal)
		passed := time.Since(began)
		if left == 0 || passed > escapedTime {
			return
		}
		if signal = 0; passed > leftoverTime {
			signal = syscall.SIGKILL
		}
		time.Sleep(pollGroup)
	}
}

// signal sends a signal to the processes that a command left behind, and returns their
// number. Zombies among them are reaped.
func (m *members) signal(leader int, signal syscall.Signal) (left int) {
	m.starting.Lock()
	defer m.starting.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	all := processes()
	own := all[os.Getpid()]
	escaped := map[int]bool{}
	for pid, p := range all {
		adopted := p.parent == os.Getpid() && p.session != own.session && !m.leaders[pid] && !m.leaders[p.session]
		if p.session == leader || adopted && len(m.leaders) == 0 {
			escaped[pid] = true
		}
	}
	for grown := true; grown; { // their children, too
		grown = false
		for pid, p := range all {
			if escaped[p.parent] && !escaped[pid] {
				escaped[pid], grown = true, true
			}
		}
	}
	for pid := range escaped {
		if all[pid].parent == os.Getpid() && all[pid].dead {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
		if !all[pid].dead {
			left++
			_ = syscall.Kill(pid, signal) // an error means that it is gone
		}
	}
	return left
}

// relatives are what proc(5) says of a process.
type relatives struct {
	parent, session int
	dead            bool
}

// processes returns the processes of this machine or container.
func processes() map[int]relatives {
	all := map[int]relatives{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it is gone
		}
		// "pid (name) state ppid pgrp session …"; the name may hold spaces and parentheses.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(fields) < 4 {
			continue
		}
		parent, _ := strconv.Atoi(string(fields[1]))
		session, _ := strconv.Atoi(string(fields[3]))
		all[pid] = relatives{parent, session, fields[0][0] == 'Z' || fields[0][0] == 'X'}
	}
	return all
}
