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

// checkFiles refuses a file that the stage would write over another one that it
// writes, or over what it reads. Names that differ by case alone are one file on
// some machines.
func (in Input) checkFiles() error {
	var written []flagFile
	for _, file := range []flagFile{{"--outputs-file", in.OutputsFile}, {"--named-outputs-file", in.NamedOutputsFile}, {"--detailed-outputs-file", in.DetailedOutputsFile}, {"--plan-file", in.PlanFile}} {
		if file.path == "" {
			continue
		}
		for _, other := range append(written, in.readFiles()...) {
			if other.path != "" && sameFile(file.path, other.path) {
				return errs.Invalidf("%s and %s are one file, %q", other.flag, file.flag, file.path).WithHint("give each a file of its own")
			}
		}
		if over := in.readFolder(file.path); over != "" {
			return errs.Invalidf("%s is %q, which would be written over what %s holds", file.flag, file.path, over).WithHint("give a file outside of it")
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

// readFolder names the flag whose folder holds what lies at the path; "" is none.
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

// sameFile says whether two names are one file, here or where case does not count.
func sameFile(a, b string) bool {
	if strings.EqualFold(resolved(a), resolved(b)) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// within says whether a path lies in a folder.
func within(path, folder string) bool {
	return strings.HasPrefix(strings.ToLower(resolved(path)), strings.ToLower(resolved(folder))+string(filepath.Separator))
}

// resolved gives a path without symbolic links, as far as it is there.
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
