//go:build !windows

package proc

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// pollGroup is the interval of checks whether a stopping group is gone.
const pollGroup = 20 * time.Millisecond

// signalGroup sends signal to every process of the group.
func (p *process) signalGroup(signal syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, signal) // an error means that no process is left
}

// killGroupAfter waits up to patience for the group to exit, then kills it.
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

// hurriedShare is the share of the grace that is left to a group in a hurry.
const hurriedShare = 10

// stopGroup asks the group to exit and kills it after the grace, or much earlier if the
// person who stops this process asks again. The group then gets SIGINT.
func (p *process) stopGroup(grace time.Duration) {
	p.signalGroup(syscall.SIGTERM)
	deadline, hurried := time.Now().Add(grace), command.Hurried()
	for p.groupAlive() {
		select {
		case <-hurried:
			hurried = nil
			p.signalGroup(syscall.SIGINT)
			deadline = time.Now().Add(grace / hurriedShare)
		case <-time.After(pollGroup):
		}
		if time.Now().After(deadline) {
			p.signalGroup(syscall.SIGKILL)
			return
		}
	}
}

// groupAlive reports whether a process of the group still runs.
func (p *process) groupAlive() bool {
	select {
	case <-p.exited:
	default:
		return true
	}
	group := p.cmd.Process.Pid
	reapOrphans(group)
	return syscall.Kill(-group, 0) == nil && !onlyZombies(group)
}

// reapOrphans reaps the zombies of a group after its leader was waited for. If this is
// the first process of a container, orphans become its children, and no other process
// can reap them.
func reapOrphans(group int) {
	for {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}

// onlyZombies reports whether all processes of a group are zombies: the first process of
// a container often does not reap orphans. Without /proc it returns false.
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
