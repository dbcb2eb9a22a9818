package recipes

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// user is the id of a user, and of the group that may use the engine. It does not exist in
// any image or on the machine.
const user = 48611

// team is that user, at a terminal in a checkout of the example.
type team struct {
	t           *testing.T
	home        string
	folder      string
	environment []string // in addition to the usual variables
}

// newTeam makes a checkout, and files with credentials.
func newTeam(t *testing.T) team {
	t.Helper()
	dir, err := os.MkdirTemp(shared.work, "home-")
	require.NoError(t, err)
	who := team{t: t, home: dir, folder: filepath.Join(dir, "shop"), environment: []string{"AWS_PROFILE=shop"}}
	keys := shared.world.AWS.AddAccount(home)
	who.write(".aws/config", fmt.Sprintf("[profile shop]\nregion = eu-west-1\nendpoint_url = %s\n", shared.world.AWS.URL()))
	who.write(".aws/credentials", fmt.Sprintf("[shop]\naws_access_key_id = %s\naws_secret_access_key = %s\n", keys.AccessKeyID, keys.SecretAccessKey))
	tracked, err := exec.Command("git", "-C", *shop, "-c", "safe.directory=*", "ls-files").Output()
	require.NoError(t, err)
	for _, file := range strings.Fields(string(tracked)) {
		content, err := os.ReadFile(filepath.Join(*shop, file))
		require.NoError(t, err)
		who.write("shop/"+file, string(content))
	}
	// The registry's certificate is from a private authority, as behind many companies' proxies.
	who.write("shop/.npmrc", "cafile=registry.crt\n")
	who.write("shop/registry.crt", string(shared.ca))
	who.owns(dir)
	who.succeed("git init --quiet --initial-branch=main && git add --all && git -c user.name=Team -c user.email=team@example.com commit --quiet --message='Open the shop'")
	return who
}

// write writes a file to the user's folder.
func (w team) write(name, content string) {
	w.t.Helper()
	file := filepath.Join(w.home, name)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(w.t, os.WriteFile(file, []byte(content), 0o600))
}

// owns makes the user the owner of a folder, recursively.
func (w team) owns(folder string) {
	w.t.Helper()
	require.NoError(w.t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, user, user))
	}))
}

// run runs a pasted command, and returns the output of the terminal.
func (w team) run(line string) (shown string, code int) {
	w.t.Helper()
	return w.interrupt(line, "")
}

// interrupt presses Ctrl-C when the terminal shows the word.
func (w team) interrupt(line, word string) (shown string, code int) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", line)
	cmd.Dir = w.folder
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "TERM=xterm"}, w.environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	began := time.Now()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 160})
	require.NoError(w.t, err)
	defer terminal.Close()
	var seen bytes.Buffer
	part := make([]byte, 1<<12)
	for pressed := word == ""; err == nil; { // the end of a terminal is an error
		var read int
		read, err = terminal.Read(part)
		seen.Write(part[:read])
		if !pressed && strings.Contains(seen.String(), word) {
			_, err = terminal.Write([]byte{3})
			pressed = true
		}
	}
	_ = cmd.Wait() // the exit code is read below
	w.t.Logf("%5.1fs  %s", time.Since(began).Seconds(), line)
	return seen.String(), cmd.ProcessState.ExitCode()
}

func (w team) succeed(line string) string {
	w.t.Helper()
	shown, code := w.run(line)
	require.Zerof(w.t, code, "%s\n%s", line, shown)
	return strings.TrimSpace(shown)
}

// mine checks that all files below the folder belong to the user, and that only the named
// ones are untracked.
func (w team) mine(untracked ...string) {
	w.t.Helper()
	require.NoError(w.t, filepath.WalkDir(w.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		assert.EqualValues(w.t, user, info.Sys().(*syscall.Stat_t).Uid, path)
		return nil
	}))
	found := strings.Fields(w.succeed("git ls-files --others --directory"))
	assert.ElementsMatch(w.t, untracked, found)
}
