package proc

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// pollGroup is how often a stopping group is asked whether it is gone.
const pollGroup = 20 * time.Millisecond

// signalGroup sends signal to everybody in the group.
func (p *process) signalGroup(signal syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, signal) // an error says that nobody is left
}

// killGroupAfter gives the group some time to go by itself, then ends it.
func (p *process) killGroupAfter(patience time.Duration) {
	deadline := time.Now().Add(patience)
	for p.groupAlive() {
		if time.Now().After(deadline) {
			p.signalGroup(syscall.SIGKILL)
			return
		}
		time.Sleep(pollGroup)
	}
}

// groupAlive says whether anybody of the group still runs.
func (p *process) groupAlive() bool {
	select {
	case <-p.exited:
	default:
		return true
	}
	group := p.cmd.Process.Pid
	buryChildren(group)
	return syscall.Kill(-group, 0) == nil && !onlyZombies(group)
}

// buryChildren takes the status of the dead of a group whose leader has been
// waited for. When we are the first process of a container, orphans of the
// group become our children, and nobody else can do it.
func buryChildren(group int) {
	for {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}

// onlyZombies says whether all members of a group are dead and merely unburied:
// the first process of a container often does not care for its orphans. Where
// there is no /proc, it says no.
func onlyZombies(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err == nil && runsInGroup(stat, group) {
			return false
		}
	}
	return len(stats) > 0
}

// runsInGroup reads the state and the process group from a proc(5) stat line,
// "pid (name) state ppid pgrp …"; the name may hold spaces and parentheses.
func runsInGroup(stat []byte, group int) bool {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 || string(fields[2]) != strconv.Itoa(group) {
		return false
	}
	state := fields[0][0]
	return state != 'Z' && state != 'X'
}
