// Command checkout measures how long it takes to have the files of one commit:
// with our checkout, with `git fetch --depth 1` and `git checkout`, and with a
// full clone. The repository has 3,200 files and 3,100 commits, the commit is 50
// behind the tip, and the server is git's own on the loopback interface. The
// runs are interleaved; medians are compared. It prints one JSON object a line.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
)

// result is one comparison: ratio is ours divided by theirs.
type result struct {
	Name   string  `json:"name"`
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs"`
	Ratio  float64 `json:"ratio"`
	Unit   string  `json:"unit"`
}

func main() {
	runs := flag.Int("runs", 7, "how often each is measured")
	flag.Parse()
	err := func() error {
		if flag.Arg(0) == "ours" { // a process of its own, so that its memory is seen
			return checkOut(flag.Arg(1), flag.Arg(2), flag.Arg(3))
		}
		return measure(*runs)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// checkOut does what is measured, and prints the most memory that it needed.
func checkOut(url, commit, dir string) error {
	_, err := checkout.CheckOut(context.Background(), checkout.Options{URL: url, Commit: commit, Dir: dir, AllowLocal: true})
	if err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("this measurement needs Linux: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmHWM:") { // the peak of the resident set
			fmt.Print(line)
		}
	}
	return nil
}

func measure(runs int) error {
	root, err := os.MkdirTemp("", "bench-checkout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	commit, err := makeRepository(root)
	if err != nil {
		return err
	}
	url, err := serve(root)
	if err != nil {
		return err
	}
	b := &bench{url: url + "/repository.git", commit: commit, dir: filepath.Join(root, "out")}
	for range runs {
		if err := b.round(); err != nil {
			return err
		}
	}
	return b.print()
}

func serve(root string) (url string, err error) {
	handler, err := gittest.Handler(root)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, handler) }()
	return "http://" + listener.Addr().String(), nil
}

// maxMemory is what a checkout may need at most, in megabytes.
const maxMemory = 100

// bench gathers seconds and megabytes.
type bench struct {
	url, commit, dir             string
	ours, shallow, clone, memory []float64
}

func (b *bench) round() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return firstError(
		func() error { return b.time(&b.ours, exec.Command(self, "ours", b.url, b.commit, b.dir)) },
		func() error { return run("", "git", "init", "-q", b.dir) },
		func() error {
			command := exec.Command("sh", "-c", `git fetch -q --depth 1 "$0" "$1" && git checkout -q "$1"`, b.url, b.commit)
			command.Dir = b.dir
			return b.time(&b.shallow, command)
		},
		func() error {
			script := `git clone -q "$0" "$2" && git -C "$2" checkout -q "$1"`
			return b.time(&b.clone, exec.Command("sh", "-c", script, b.url, b.commit, b.dir))
		},
	)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// time runs the command and removes what it made.
func (b *bench) time(seconds *[]float64, command *exec.Cmd) error {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, os.Stderr
	began := time.Now()
	if err := command.Run(); err != nil {
		return err
	}
	*seconds = append(*seconds, time.Since(began).Seconds())
	var kilobytes float64
	if n, _ := fmt.Sscanf(out.String(), "VmHWM: %f kB", &kilobytes); n == 1 {
		b.memory = append(b.memory, kilobytes/1024)
	}
	return os.RemoveAll(b.dir)
}

func (b *bench) print() error {
	out := json.NewEncoder(os.Stdout)
	for _, r := range []result{
		compare("checkout", b.ours, b.shallow, "s"),
		compare("checkout against full clone", b.ours, b.clone, "s"),
		compare("checkout memory against its limit", b.memory, []float64{maxMemory}, "MB"),
	} {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func compare(name string, ours, theirs []float64, unit string) result {
	r := result{Name: name, Ours: median(ours), Theirs: median(theirs), Unit: unit}
	r.Ratio = r.Ours / r.Theirs
	return r
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
