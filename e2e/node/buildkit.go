package node

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// rootless are the programs of Debian's packages that BuildKit runs without root with, and
// their capabilities, as bits. Two of them map the users and groups of its user namespace:
// as root, which Debian's are, they would need CAP_SYS_ADMIN, which no pod has.
var rootless = map[string]byte{"rootlesskit": 0, "newuidmap": 1 << 7, "newgidmap": 1 << 6, "runc": 0}

// BuildKitImage writes the archive of an image like BuildKit's own without root: of the same
// name, user, folders and entrypoint, so that the same pod runs it. It returns its path.
func BuildKitImage(dir string, programs Programs) (archive string, err error) {
	image := Image{
		Name:       "docker.io/moby/buildkit:" + versionOf(programs.BuildKit) + "-rootless",
		Files:      []string{filepath.Join(programs.BuildKit, "buildkitd"), filepath.Join(programs.BuildKit, "buildctl")},
		Entrypoint: []string{"rootlesskit", "buildkitd"},
		User:       "1000:1000",
		Env:        []string{"HOME=/home/user", "USER=user", "XDG_RUNTIME_DIR=/run/user/1000"},
		Others: []Other{
			{Path: "etc/passwd", Text: "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n", Mode: 0o644},
			{Path: "etc/group", Text: "root:x:0:\nuser:x:1000:\n", Mode: 0o644},
			{Path: "etc/subuid", Text: "user:100000:65536\n", Mode: 0o644},
			{Path: "etc/subgid", Text: "user:100000:65536\n", Mode: 0o644},
			{Path: "home/user/", Mode: 0o755, Owner: 1000},
			{Path: "home/user/.local/", Mode: 0o755, Owner: 1000},
			{Path: "home/user/.local/share/", Mode: 0o755, Owner: 1000},
			{Path: "home/user/.local/share/buildkit/", Mode: 0o755, Owner: 1000},
			{Path: "run/user/1000/", Mode: 0o700, Owner: 1000},
		},
	}
	var libraries []string
	for name, capability := range rootless {
		program, err := exec.LookPath(name)
		if err != nil {
			return "", err
		}
		image.Others = append(image.Others, Other{Path: "usr/bin/" + name, From: program, Mode: 0o755, Capability: capability})
		found, err := librariesOf(program)
		if err != nil {
			return "", err
		}
		libraries = append(libraries, found...)
	}
	slices.Sort(libraries)
	for _, library := range slices.Compact(libraries) {
		image.Others = append(image.Others, Other{Path: strings.TrimPrefix(library, "/"), From: library, Mode: 0o755})
	}
	archive = filepath.Join(dir, "buildkit.tar")
	return archive, image.Archive(archive)
}

// librariesOf returns the shared libraries of a program, as the dynamic linker finds them.
func librariesOf(program string) ([]string, error) {
	output, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, output)
	}
	var libraries []string
	for _, line := range strings.Split(string(output), "\n") {
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "/") {
				libraries = append(libraries, word)
				break
			}
		}
	}
	return libraries, nil
}
