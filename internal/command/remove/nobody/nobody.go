// Package nobody runs a test as the user nobody, as file permissions do not apply to root.
package nobody

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// id is the user and the group "nobody".
const id = 65534

// Runs reports whether the test should run in this process. As root it runs the test
// again in a process of the user nobody, waits for it and returns false.
func Runs(t *testing.T) bool {
	t.Helper()
	if os.Getuid() != 0 {
		return true
	}
	room, err := os.MkdirTemp("", "nobody-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(room) })
	require.NoError(t, os.Chown(room, id, id))
	program := filepath.Join(room, "test")
	copyProgram(t, program)
	command := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	command.Dir = room
	command.Env = append(os.Environ(), "TMPDIR="+room, "HOME="+room)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	require.NoError(t, err)
	defer from.Close()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(file, from)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}
