package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// flagFile is a file or folder that a flag names.
type flagFile struct{ flag, path string }

// settings are files of CDK apps that a deployment reads.
var settings = []string{"cdk.json", "cdk.context.json"}

// checkFiles refuses an output file that would overwrite another output or an
// input of the stage. It compares names without case, as some file systems do.
func (in Input) checkFiles() error {
	var written []flagFile
	for _, file := range []flagFile{{"--outputs-file", in.OutputsFile}, {"--named-outputs-file", in.NamedOutputsFile}, {"--detailed-outputs-file", in.DetailedOutputsFile}, {"--plan-file", in.PlanFile}} {
		if file.path == "" {
			continue
		}
		for _, other := range append(written, in.readFiles()...) {
			if other.path != "" && sameFile(file.path, other.path) {
				return errs.Invalidf("%s and %s are the same file, %q", other.flag, file.flag, file.path).WithHint("use different files")
			}
		}
		if over := in.readFolder(file.path); over != "" {
			return errs.Invalidf("%s %q would overwrite a file in the folder of %s", file.flag, file.path, over).WithHint("use a file outside of that folder")
		}
		written = append(written, file)
	}
	return nil
}

// readFiles are the files that the stage reads.
func (in Input) readFiles() []flagFile {
	files := []flagFile{{"--execute-plan", in.ExecutePlan}}
	if in.Source != "" {
		files = append(files, flagFile{"--config", filepath.Join(in.Source, filepath.FromSlash(in.Config))})
	}
	return files
}

// readFolder returns the flag whose folder contains the path, or "".
func (in Input) readFolder(path string) string {
	lies := func(folders ...string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
	}
	switch {
	case in.Assembly != "" && lies(in.Assembly):
		return "--assembly"
	case in.ArtifactDir != "" && slices.ContainsFunc(bucket.Folders(in.Commit), func(folder string) bool { return lies(filepath.Join(in.ArtifactDir, folder)) }):
		return "--artifact-dir"
	case in.Source != "" && lies(in.Source) && slices.Contains(settings, strings.ToLower(filepath.Base(path))):
		return "--source"
	}
	return ""
}

// sameFile reports whether two names are the same file, ignoring case.
func sameFile(a, b string) bool {
	if strings.EqualFold(resolved(a), resolved(b)) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// within reports whether a path is in a folder.
func within(path, folder string) bool {
	return strings.HasPrefix(strings.ToLower(resolved(path)), strings.ToLower(resolved(folder))+string(filepath.Separator))
}

// resolved returns a path without symbolic links, as far as it exists.
func resolved(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if link, err := filepath.EvalSymlinks(path); err == nil {
		return link
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(resolved(parent), filepath.Base(path))
	}
	return path
}
