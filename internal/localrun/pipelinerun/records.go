package pipelinerun

import (
	"context"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/cloud"
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

// addressFile has the address of the simulator of the run in progress.
const addressFile = "simulator.json"

// Writable opens the artifact bucket of the local runs of a state folder, to write to it
// until closed is called: through the simulator of the run in progress, or its own.
func Writable(ctx context.Context, dir string) (artifacts bucket.Bucket, closed func(), err error) {
	if _, _, err := Records(dir); err != nil {
		return nil, nil, err
	}
	attempt, giveUp := context.WithCancel(ctx)
	defer giveUp()
	busy := false
	folder, err := state.Open(attempt, dir, state.Run, func(string) { busy = true; giveUp() })
	place := state.Folder{Dir: dir}.Place()
	if busy && ctx.Err() == nil {
		var at cloud.Address
		if !(state.Folder{Dir: dir}).Kept(addressFile, &at) {
			return nil, nil, errs.Temporaryf("the run in progress in %s has no simulator yet", state.Short(dir)).WithHint("run the same command again")
		}
		return at.Bucket(place.Bucket), func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := cloud.Simulate(cloud.Simulation{Dir: folder.AWS(), Accounts: []string{place.Account}, Region: place.Region, Notef: func(string, ...any) {}})
	if err != nil {
		folder.Close()
		return nil, nil, err
	}
	return c.Address().Bucket(place.Bucket), func() { c.Close(); folder.Close() }, nil
}
