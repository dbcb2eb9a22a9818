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

// end ends the processes that left the group of a command, whose leader was waited for, and
// returns how many it could not end. Those in sessions of their own cannot be told from those
// of other commands while others run: they end with the last command.
func (m *members) end(leader int) (left int) {
	m.mu.Lock()
	delete(m.leaders, leader)
	m.mu.Unlock()
	told := map[int]bool{}
	for began := time.Now(); ; time.Sleep(pollGroup) {
		_, gone := m.escaped(leader, func(pid int) {
			if !told[pid] {
				told[pid] = true
				_ = syscall.Kill(pid, syscall.SIGTERM) // an error means that it is gone
			}
		})
		if gone {
			return 0
		}
		if time.Since(began) > leftoverTime {
			return m.hunt(leader)
		}
	}
}

// hunt kills the processes that left the group of a command, and returns how many it could not
// kill. It stops all of them before, as one that runs could bring others back.
func (m *members) hunt(leader int) (left int) {
	stopped := map[int]bool{}
	for began := time.Now(); ; {
		grew := false
		found, gone := m.escaped(leader, func(pid int) {
			if !stopped[pid] {
				_ = syscall.Kill(pid, syscall.SIGSTOP)
				stopped[pid], grew = true, true
			}
		})
		switch {
		case gone:
			return 0
		case time.Since(began) > escapedTime:
			return max(len(found), 1)
		case !grew:
			for _, pid := range found {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			clear(stopped) // their numbers will be free
		}
	}
}

// escaped returns the processes that left the group of a command, with their children. It tells each
// as soon as it sees it, and looks at nothing but our children and theirs: one that forks and ends
// is another process before all processes are listed. The dead are reaped; all are gone if there
// are neither, as one that ended since it was listed may have left another.
func (m *members) escaped(leader int, see func(pid int)) (found []int, gone bool) {
	m.starting.Lock()
	defer m.starting.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	self, children := os.Getpid(), tree()
	own, _ := sessionOf(self)
	gone = true
	for _, pid := range children(self) {
		session, err := sessionOf(pid)
		if err != nil || session == own || m.leaders[pid] || m.leaders[session] || session != leader && len(m.leaders) > 0 {
			continue
		}
		gone = false
		if dead, _ := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); dead != pid {
			see(pid)
			found = append(found, pid)
		}
	}
	for at := 0; at < len(found); at++ { // of these also the children
		for _, pid := range children(found[at]) {
			see(pid)
			found = append(found, pid)
		}
	}
	return found, gone
}

// sessionOf returns the session of a process, also of one that is dead and was not waited for.
func sessionOf(pid int) (int, error) {
	session, _, errno := syscall.RawSyscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(session), nil
}

// tree returns the function that returns the children of a process.
func tree() func(pid int) []int {
	if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children"); err == nil {
		return listed
	}
	parents := map[int][]int{} // the kernel keeps no lists
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it is gone
		}
		// "pid (name) state ppid …"; the name may hold spaces and parentheses.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(string(fields[1]))
		parents[parent] = append(parents[parent], pid)
	}
	return func(pid int) []int { return parents[pid] }
}

// listed returns the children of all threads of a process. Linux gives orphans to the first one.
func listed(pid int) (children []int) {
	folder := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, _ := os.ReadDir(folder)
	for _, thread := range threads {
		text, _ := os.ReadFile(folder + "/" + thread.Name() + "/children")
		for field := range bytes.FieldsSeq(text) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
