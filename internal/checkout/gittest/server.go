// Package gittest makes real git servers on loopback and real repositories, with the git
// program, for tests and benchmarks.
package gittest

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"strings"
)

// Handler serves the repositories below root with git's own http-backend.
func Handler(root string) (http.Handler, error) {
	execPath, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("finding git: %w", err)
	}
	backend := cgi.Handler{
		Path:       filepath.Join(strings.TrimSpace(string(execPath)), "git-http-backend"),
		Env:        []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"},
		InheritEnv: []string{"PATH"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one := backend
		if protocol := r.Header.Get("Git-Protocol"); protocol != "" { // as web servers pass the protocol version
			one.Env = append(append([]string{}, backend.Env...), "GIT_PROTOCOL="+protocol)
		}
		one.ServeHTTP(w, r)
	}), nil
}
