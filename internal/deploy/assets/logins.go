package assets

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// fillLogins is a script that fills the folder $0 with docker's configuration of the
// commands: links to all of it, and a copy of the file that a login changes.
const fillLogins = `umask 077
chmod 700 "$0"
from=$(cd "${DOCKER_CONFIG:-$HOME/.docker}" 2>/dev/null && pwd) || exit 0
for file in "$from"/*; do
	[ ! -e "$file" ] || [ "$file" = "$from/config.json" ] || ln -s "$file" "$0"
done
[ ! -f "$from/config.json" ] || head -c 1048576 "$from/config.json" >"$0/config.json"`

// removalLimit is the timeout for removing a folder of the commands, also after a cancellation.
const removalLimit = 10 * time.Second

// loginVariables are the variables with which docker logs in, builds and pushes: a
// login allows whoever reads it to push images for hours, so that it is in a folder of
// its own, until LogOut.
func (p *Publisher) loginVariables(ctx context.Context) ([]string, error) {
	dir, err := p.loginFolder.do("", func() (string, error) {
		dir, err := p.folderForDocker(ctx, nil)
		if err != nil {
			return "", err
		}
		const doing = "preparing docker's configuration for logins"
		return dir, p.run(ctx, []string{"sh", "-c", fillLogins, p.options.Runner.Place(dir)}, "", "", nil, io.Discard, doing)
	})
	return []string{"DOCKER_CONFIG=" + p.options.Runner.Place(dir)}, err
}

// LogOut removes the logins that images were pushed with. Call it before the app's own
// commands run, once nothing is published any more.
func (p *Publisher) LogOut(ctx context.Context) {
	p.mu.Lock()
	left := p.folders
	p.folders = nil
	p.mu.Unlock()
	for _, dir := range left {
		p.removeFolder(ctx, dir)
	}
}

// folderForDocker makes a private folder, here and where the commands are, that LogOut
// removes if nothing does before. Its file config.json has the content, if there is any.
func (p *Publisher) folderForDocker(ctx context.Context, config []byte) (string, error) {
	dir, err := os.MkdirTemp(p.options.Temp, "docker-config-")
	if err != nil {
		return "", errs.Writing(orElse(p.options.Temp, os.TempDir()), err)
	}
	p.mu.Lock()
	p.folders = append(p.folders, dir)
	p.mu.Unlock()
	if config != nil {
		path := filepath.Join(dir, "config.json")
		if err := os.WriteFile(path, config, 0o600); err != nil {
			return "", errs.Writing(path, err)
		}
	}
	return dir, p.options.Runner.Send(ctx, dir)
}

// removeFolder removes a folder here and where the commands are. What cannot be removed there goes with them.
func (p *Publisher) removeFolder(ctx context.Context, dir string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalLimit)
	defer cancel()
	_ = p.run(ctx, []string{"rm", "-rf", p.options.Runner.Place(dir)}, "", "", nil, io.Discard, "removing docker's logins")
	_ = os.RemoveAll(dir)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.folders = slices.DeleteFunc(p.folders, func(other string) bool { return other == dir })
}
