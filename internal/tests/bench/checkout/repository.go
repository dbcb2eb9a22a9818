package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	files   = 3200
	commits = 3100
	changes = 3  // files that each commit changes
	behind  = 50 // how far behind the tip the measured commit is
)

// makeRepository makes a bare repository below root and gives the name of the
// measured commit. It is the same repository every time.
func makeRepository(root string) (commit string, err error) {
	repository := filepath.Join(root, "repository.git")
	if err := run("", "git", "init", "-q", "--bare", "-b", "main", repository); err != nil {
		return "", err
	}
	reader, writer := io.Pipe()
	go func() {
		buffered := bufio.NewWriter(writer)
		writeHistory(buffered)
		_ = writer.CloseWithError(buffered.Flush())
	}()
	load := exec.Command("git", "-C", repository, "fast-import", "--quiet")
	load.Stdin, load.Stderr = reader, os.Stderr
	if err := load.Run(); err != nil {
		return "", fmt.Errorf("making the repository: %w", err)
	}
	for _, args := range [][]string{{"repack", "-adq"}, {"config", "uploadpack.allowAnySHA1InWant", "true"}} {
		if err := run(repository, "git", args...); err != nil {
			return "", err
		}
	}
	name, err := exec.Command("git", "-C", repository, "rev-parse", fmt.Sprintf("main~%d", behind)).Output()
	return strings.TrimSpace(string(name)), err
}

// writeHistory writes all commits in the form that `git fast-import` reads.
func writeHistory(w io.Writer) {
	random := rand.New(rand.NewPCG(7, 7))
	contents := make([][]string, files)
	for i := range contents {
		contents[i] = lines(random, 10+random.IntN(210))
	}
	for commit := range commits {
		message := fmt.Sprintf("commit %d", commit)
		fmt.Fprintf(w, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", 1_700_000_000+600*commit, len(message), message)
		for i := range files {
			if commit > 0 {
				if i == changes {
					break
				}
				i = random.IntN(files)
				at := random.IntN(len(contents[i]))
				contents[i] = append(contents[i][:at:at], append(lines(random, 2), contents[i][at+1:]...)...)
			}
			text := strings.Join(contents[i], "\n")
			fmt.Fprintf(w, "M 100644 inline packages/p%02d/src/m%02d/file%04d.ts\ndata %d\n%s\n", i%20, i/20%16, i, len(text), text)
		}
	}
}

var words = strings.Fields(`const let return function import export from interface class extends async await Promise
 string number boolean if else for of map filter reduce this new throw Error stack props scope id construct bucket
 table queue topic lambda handler region account environment pipeline deploy stage artifact commit`)

func lines(random *rand.Rand, n int) []string {
	made := make([]string, n)
	for i := range made {
		line := make([]string, 2+random.IntN(9))
		for k := range line {
			line[k] = words[random.IntN(len(words))]
		}
		made[i] = fmt.Sprintf("  %s; // %x", strings.Join(line, " "), random.Uint32())
	}
	return made
}

func run(dir, name string, args ...string) error {
	command := exec.Command(name, args...)
	command.Dir, command.Stderr = dir, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}
