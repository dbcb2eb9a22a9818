package stage

import "runtime/debug"

// version is set when a release is built: -ldflags "-X …/internal/stage.version=v1.2.3".
var version string

// Version returns the version of this build: the release, else the commit, else "devel".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "devel-" + setting.Value[:12]
		}
	}
	return "devel"
}
