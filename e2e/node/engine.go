package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// engineNetwork is the network of the containers of an Engine.
const engineNetwork = "10.201.0.1/24"

// Engine is a Docker engine, for running images without a cluster.
type Engine struct{ process *process }

// StartEngine starts an engine in the network of an isolated process. It listens for
// users of the group on the default socket, and its containers resolve
// names at Address. Its data is in dir, its log in dir/logs.
func StartEngine(ctx context.Context, dir string, group int) (*Engine, error) {
	logs := filepath.Join(dir, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	if err := configureNetwork(); err != nil {
		return nil, err
	}
	p, err := start(logs, "dockerd", "dockerd", "--data-root", filepath.Join(dir, "docker"), "--group", strconv.Itoa(group),
		"--bip", engineNetwork, "--dns", Address, "--iptables=false", "--ip-masq=false", "--cgroup-parent", "/"+groupOf(os.Getenv(workVariable)))
	if err != nil {
		return nil, err
	}
	e := &Engine{p}
	for began := time.Now(); exec.CommandContext(ctx, "docker", "version").Run() != nil; time.Sleep(200 * time.Millisecond) {
		if p.ended() || ctx.Err() != nil || time.Since(began) > starting {
			e.Stop()
			output, _ := os.ReadFile(filepath.Join(logs, "dockerd.log"))
			return nil, fmt.Errorf("dockerd does not answer; its log ends with\n%s", output[max(0, len(output)-2000):])
		}
	}
	return e, nil
}

// Load imports an archive of an image, as docker buildx writes it, under a name.
func (e *Engine) Load(ctx context.Context, archive, name string) error {
	copying := exec.CommandContext(ctx, "skopeo", "copy", "--quiet", "oci-archive:"+archive+":latest", "docker-daemon:"+name+":latest")
	if output, err := copying.CombinedOutput(); err != nil {
		return fmt.Errorf("loading %s: %w: %s", archive, err, output)
	}
	return nil
}

// Stop stops the engine.
func (e *Engine) Stop() { e.process.stop() }
