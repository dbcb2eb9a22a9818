package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// What an artifact is wanted to take at most: of tar with zstd, which packs and unpacks one file after another, and of s5cmd, which uploads
// many files at once.
const (
	packLimit   = 0.6
	unpackLimit = 0.8
	uploadLimit = 1
)

// uploader is a module of its own, which has the version of the program that uploads many files at once.
const uploader = "internal/tests/bench/s5cmd"

// benchArtifact packs and unpacks the shop with its packages, some 8,000 files, and uploads 10,000 small files.
func benchArtifact(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	log.Info("measuring", "bench", "artifact", "runs", o.runs)
	a := artifacts{shop: o.app, scratch: filepath.Join(scratch, "artifact")}
	if err := os.MkdirAll(a.scratch, 0o755); err != nil {
		return nil, err
	}
	defer os.RemoveAll(a.scratch)
	pairs := []pair{{Name: "pack", Unit: "s", Ours: timed(a.pack), Theirs: timed(a.tar), Limit: packLimit}}
	packed, err := a.packedByBoth(ctx)
	if err != nil {
		return nil, err
	}
	defer packed.Remove()
	pairs = append(pairs, pair{
		Name: "unpack", Unit: "s", Limit: unpackLimit,
		Ours:   a.into(func(ctx context.Context, dir string) error { return unpack(ctx, packed, dir) }),
		Theirs: a.into(a.untar),
	})
	results, err := measureAll(ctx, log, pairs, o.runs)
	if err != nil {
		return nil, err
	}
	uploaded, err := a.uploads(ctx, log, o.runs)
	return append(results, uploaded...), err
}

// artifacts are a folder to pack, and one for what becomes of it.
type artifacts struct{ shop, scratch string }

func (a artifacts) file() string { return filepath.Join(a.scratch, "theirs.tar.zst") }

func (a artifacts) pack(ctx context.Context) error {
	packed, err := bucket.Pack(ctx, a.shop, everything)
	if err == nil {
		packed.Remove()
	}
	return err
}

func (a artifacts) tar(ctx context.Context) error {
	return execute(ctx, "tar", "-C", a.shop, "-I", "zstd", "-cf", a.file(), ".")
}

func (a artifacts) untar(ctx context.Context, dir string) error {
	return execute(ctx, "tar", "-C", dir, "-I", "zstd", "-xf", a.file())
}

func (a artifacts) packedByBoth(ctx context.Context) (bucket.Packed, error) {
	if err := a.tar(ctx); err != nil {
		return bucket.Packed{}, err
	}
	return bucket.Pack(ctx, a.shop, everything)
}

func unpack(ctx context.Context, packed bucket.Packed, dir string) error {
	file, err := os.Open(packed.File)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = archive.Unpack(ctx, file, packed.Size, dir, limits.Budget{}, nil)
	return err
}

// into is a side whose work fills an empty folder; making and removing it costs nothing.
func (a artifacts) into(work func(ctx context.Context, dir string) error) side {
	return func(ctx context.Context) (float64, error) {
		dir := filepath.Join(a.scratch, "unpacked")
		if err := os.Mkdir(dir, 0o755); err != nil {
			return 0, err
		}
		cost, err := timed(func(ctx context.Context) error { return work(ctx, dir) })(ctx)
		return cost, errors.Join(err, os.RemoveAll(dir))
	}
}

// uploads compares the upload of 10,000 files as one artifact, packed each time, with that of s5cmd, to the same
// simulator of S3.
func (a artifacts) uploads(ctx context.Context, log *slog.Logger, runs int) (results []result, err error) {
	files := filepath.Join(a.scratch, "small")
	if err := smallFiles(files); err != nil {
		return nil, err
	}
	program, err := filepath.Abs(filepath.Join(a.scratch, "s5cmd"))
	if err != nil {
		return nil, err
	}
	if err := execute(ctx, "go", "build", "-C", uploader, "-o", program, "github.com/peak/s5cmd/v2"); err != nil {
		return nil, err
	}
	sim, err := awssim.New(awssim.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	url, err := sim.Start()
	if err != nil {
		return nil, err
	}
	keys := sim.AddAccount(account)
	s5cmd := func(ctx context.Context, args ...string) error {
		command := exec.CommandContext(ctx, program, append([]string{"--endpoint-url", url, "--log", "error"}, args...)...)
		command.Env = keys.Over(os.Environ(), url, region)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("s5cmd: %w: %s", err, out)
		}
		return nil
	}
	const name = "bench-artifacts"
	if err := s5cmd(ctx, "mb", "s3://"+name); err != nil {
		return nil, err
	}
	store, err := bucketOf(ctx, keys.Env(url, region), name)
	if err != nil {
		return nil, err
	}
	run := 0
	ours := func(ctx context.Context) error {
		run++
		packed, err := bucket.Pack(ctx, files, everything)
		if err != nil {
			return err
		}
		defer packed.Remove()
		_, err = store.Save(ctx, packed, bucket.Metadata{Commit: fmt.Sprintf("%040d", run), Timestamp: time.Now()})
		return err
	}
	theirs := func(ctx context.Context) error {
		return s5cmd(ctx, "cp", files+"/", fmt.Sprintf("s3://%s/their/%d/", name, run))
	}
	return measureAll(ctx, log, []pair{{Name: "upload of 10,000 files", Unit: "s", Ours: timed(ours), Theirs: timed(theirs), Limit: uploadLimit}}, runs)
}

// bucketOf opens a bucket as our programs do, whose credentials and addresses are variables.
func bucketOf(ctx context.Context, env []string, name string) (bucket.Bucket, error) {
	for _, entry := range env {
		variable, value, _ := strings.Cut(entry, "=")
		if before, was := os.LookupEnv(variable); was {
			defer os.Setenv(variable, before)
		} else {
			defer os.Unsetenv(variable)
		}
		if err := os.Setenv(variable, value); err != nil {
			return nil, err
		}
	}
	return clients.NamedBucket(ctx, name)
}

// smallFiles writes 10,000 files of 1 to 8 KiB of text that compresses as sources do.
func smallFiles(dir string) error {
	random := rand.New(rand.NewPCG(1, 2))
	for number := range 10_000 {
		folder := filepath.Join(dir, fmt.Sprintf("folder-%02d", number%100))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		var text strings.Builder
		for size := 1024 * (1 + random.IntN(8)); text.Len() < size; {
			fmt.Fprintf(&text, "export const name%d = %d;\n", random.IntN(1000), random.Int64())
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%d.ts", number)), []byte(text.String()), fs.FileMode(0o644)); err != nil {
			return err
		}
	}
	return nil
}

func execute(ctx context.Context, program string, args ...string) error {
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

// everything excludes no file.
func everything(string) bool { return false }
