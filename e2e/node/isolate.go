package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

// levelVariable holds the isolation level of a process.
const levelVariable = "APHEX_E2E_LEVEL"

// apartFrom are the namespaces that isolate a node from the machine.
const apartFrom = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC

// isolated returns true in the process that does the work, in separate namespaces. The
// others return false after its end, with its exit code.
//
// The program starts itself twice: the first process inside gets orphans from the kernel
// and only reaps them; the second does the work. When the first ends, the kernel kills all
// others.
func isolated(work string) (bool, int) {
	switch os.Getenv(levelVariable) {
	case "":
		defer removeGroups()
		return false, again("init", &syscall.SysProcAttr{
			Cloneflags: apartFrom, Pdeathsig: syscall.SIGKILL,
		}, (*exec.Cmd).Wait)
	case "init":
		if err := separateMounts(work); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return false, 1
		}
		return false, again("work", &syscall.SysProcAttr{}, reap)
	}
	return true, 0
}

// again runs this program with the same arguments one level deeper.
func again(level string, attributes *syscall.SysProcAttr, wait func(*exec.Cmd) error) int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), levelVariable+"="+level)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: starting in separate namespaces:", err)
		return 1
	}
	go func() {
		for range signals { // the inner process ends by itself, and the others with it
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}()
	err := wait(cmd)
	var exit *exec.ExitError
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// reap waits for the command, and for every orphan that ends before it.
func reap(cmd *exec.Cmd) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR) || err == nil && pid != cmd.Process.Pid:
		case err != nil:
			return err
		case status.Signaled():
			return exitStatus(128 + int(status.Signal()))
		case status.ExitStatus() != 0:
			return exitStatus(status.ExitStatus())
		default:
			return nil
		}
	}
}

// separateMounts puts the work folder in memory, with the fixed folders that programs of a
// node write to, and makes all mounts private. In memory, images are unpacked in seconds,
// and a slow disk does not determine how long a pod takes.
func separateMounts(work string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("separating the mounts: %w", err)
	}
	if err := syscall.Mount("tmpfs", work, "tmpfs", 0, "mode=0711"); err != nil {
		return fmt.Errorf("mounting memory over %s: %w", work, err)
	}
	for folder, own := range map[string]string{
		"/var/lib/kubelet": "kubelet", "/var/log": "log", "/run": "run", "/var/lib/cni": "cni-state", "/etc/cni": "cni-etc", "/etc/docker": "docker-etc",
	} {
		source := filepath.Join(work, own)
		if err := errors.Join(os.MkdirAll(folder, 0o755), os.MkdirAll(source, 0o755)); err != nil {
			return err
		}
		if err := syscall.Mount(source, folder, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting over %s: %w", folder, err)
		}
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	// Pods must see later mounts of the kubelet.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the mounts with pods: %w", err)
	}
	return nil
}

// groupOf names the control group of all pods and containers of these tests, which
// is another one than that of tests that run at the same time: a kubelet ends what
// it does not know in its group.
func groupOf(work string) string { return filepath.Base(work) }

// makeGroup makes the group, and returns its path for the kubelet.
func makeGroup() (string, error) {
	name := "/" + groupOf(os.Getenv(workVariable))
	hierarchies, err := os.ReadDir("/sys/fs/cgroup")
	if err != nil {
		return "", err
	}
	for _, hierarchy := range hierarchies {
		if hierarchy.Name() == "cgroup.controllers" { // one for all, whose root passes controllers on to what it knows
			return "/", nil
		}
	}
	for _, hierarchy := range hierarchies {
		if hierarchy.IsDir() {
			if err := os.MkdirAll("/sys/fs/cgroup/"+hierarchy.Name()+name, 0o755); err != nil {
				return "", err
			}
		}
	}
	return name, nil
}

// removeGroups removes the control groups that these tests made; they belong to the
// kernel and outlive all namespaces.
func removeGroups() {
	name := groupOf(os.Getenv(workVariable))
	roots, _ := filepath.Glob("/sys/fs/cgroup/*/" + name)
	for _, root := range append(roots, "/sys/fs/cgroup/"+name, "/sys/fs/cgroup/kubepods") {
		var folders []string
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append(folders, path)
			}
			return nil
		})
		for _, folder := range slices.Backward(folders) {
			_ = os.Remove(folder)
		}
	}
}
