package pipelinerun

import (
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
)

// Records returns the artifact bucket of the local runs of a state folder, and the folder
// that has a folder for each run. The simulator keeps objects as plain files; it need not run.
func Records(dir string) (artifacts bucket.Bucket, runs string, err error) {
	folder := state.Folder{Dir: dir}
	place := folder.Place()
	if place.Bucket == "" {
		return nil, "", errs.Invalidf("%s has no local runs", state.Short(dir)).WithHint("pass the folder .aphex of a repository in which generator run ran")
	}
	objects := filepath.Join(folder.AWS(), "s3", place.Bucket)
	if _, err := os.Stat(objects); err != nil {
		return nil, "", errs.Invalidf("%s has no records: they are in the bucket %s if its runs deployed to real accounts", state.Short(dir), place.Bucket).
			WithHint("leave out --state")
	}
	return bucket.OpenDirectory(objects), filepath.Dir(folder.Run("run")), nil
}
