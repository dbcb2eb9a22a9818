package checkout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

const (
	// lfsBatch is how many objects one request names: the most that GitHub answers.
	lfsBatch     = 100
	lfsDownloads = 8 // at once
)

// pointerText matches a pointer, with the extensions that git-lfs ignores here too (Git LFS
// Specification, "The Pointer").
var pointerText = regexp.MustCompile(`^version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n$`)

// lfsObject is a file in Git LFS, and the paths that have it.
type lfsObject struct {
	OID  string `json:"oid"` // SHA-256, in hex
	Size int64  `json:"size"`

	paths []string
}

// lfsClient fetches the files in Git LFS of one repository.
type lfsClient struct {
	o    Options
	a    address
	over http.RoundTripper
	root *os.Root
}

// fetchLFS replaces the pointers of a checkout by the files that they name. A repository on
// this machine is asked for its copies only; the pointers that it lacks stay. The content of
// each file has the digest and the size of its pointer.
func fetchLFS(ctx context.Context, o Options, a address, done Checkout) (Checkout, error) {
	root, err := os.OpenRoot(done.Dir)
	if err != nil {
		return done, err
	}
	defer root.Close()
	wanted, err := lfsObjects(root, done.Pointers)
	if err != nil {
		return done, err
	}
	taken := limits.Budget{Bytes: max(1, o.Budget.Bytes-done.Bytes), Free: o.Budget.Bytes, Entries: 1, Depth: 1}.Meter(0)
	var bytes int64
	for _, object := range wanted {
		for range object.paths { // their product could overflow
			if err := taken.Bytes(object.Size); err != nil {
				return done, err
			}
			bytes += object.Size
		}
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	defer base.CloseIdleConnections()
	c := &lfsClient{o: o, a: a, over: base, root: root}
	var written []string
	if a.local != "" {
		written, err = c.copyAll(wanted)
	} else {
		fmt.Fprintf(o.Progress, "fetching %d files in Git LFS (%s)\n", len(wanted), limits.Size(bytes))
		written, err = c.downloadAll(ctx, wanted)
	}
	if err != nil {
		return done, err
	}
	done.Bytes += bytes
	done.Pointers = slices.DeleteFunc(slices.Clone(done.Pointers), func(p string) bool { return slices.Contains(written, p) })
	return done, refreshIndex(root, written)
}

// lfsObjects reads the pointers, and returns what they name.
func lfsObjects(root *os.Root, pointers []string) ([]*lfsObject, error) {
	byID := map[string]*lfsObject{}
	var list []*lfsObject
	for _, name := range pointers {
		text, err := limits.ReadFileIn(root, name, maxPointer)
		if err != nil {
			return nil, err
		}
		id, size, ok := parsePointer(text)
		if !ok {
			return nil, errs.Invalidf("%q begins as a pointer of Git LFS does, but is none", name).WithHint("correct it, or set checkout.lfs: false")
		}
		object := byID[id]
		if object == nil {
			object = &lfsObject{OID: id, Size: size}
			byID[id], list = object, append(list, object)
		}
		if object.Size != size {
			return nil, errs.Invalidf("%q and %q point to one object in Git LFS with two sizes", object.paths[0], name)
		}
		object.paths = append(object.paths, name)
	}
	return list, nil
}

// parsePointer returns the object that a pointer names.
func parsePointer(text []byte) (id string, size int64, ok bool) {
	found := pointerText.FindSubmatch(text)
	if found == nil {
		return "", 0, false
	}
	size, err := strconv.ParseInt(string(found[2]), 10, 64)
	return string(found[1]), size, err == nil
}

// downloadAll downloads the objects in batches, and returns the paths that were written.
func (c *lfsClient) downloadAll(ctx context.Context, wanted []*lfsObject) (written []string, err error) {
	for batch := range slices.Chunk(wanted, lfsBatch) {
		var actions map[string]lfsAction
		err := c.retry(ctx, func() (err error) {
			actions, err = c.ask(ctx, batch)
			return err
		})
		if err != nil {
			return nil, err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(lfsDownloads)
		for _, object := range batch {
			written = append(written, object.paths...)
			group.Go(func() error {
				return c.retry(ctx, func() error { return c.download(ctx, object, actions[object.OID]) })
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// retry tries again after temporary errors.
func (c *lfsClient) retry(ctx context.Context, do func() error) error {
	for try, pause := 1, c.o.retryPause; ; try, pause = try+1, pause*3 {
		err := do()
		if err == nil || try == attempts || ctx.Err() != nil || errs.KindOf(err) != errs.Temporary {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// download writes an object to its paths.
func (c *lfsClient) download(ctx context.Context, object *lfsObject, from lfsAction) error {
	u, err := url.Parse(from.Href)
	if err != nil || !c.o.mayDownload(u) {
		return errs.Invalidf("the Git LFS server of %s gives an address for %q that is not https", c.o.URL, object.paths[0])
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	for name, value := range from.Header {
		request.Header.Set(name, value)
	}
	response, err := c.send(request, fmt.Sprintf("downloading %q in Git LFS", object.paths[0]))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return c.place(object, response.Body)
}

// place replaces the pointers of an object by its content, after it was verified.
func (c *lfsClient) place(object *lfsObject, content io.Reader) error {
	first := object.paths[0]
	partial := path.Join(".git", "lfs-"+object.OID)
	file, err := c.root.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return errs.Writing(c.o.Dir, err)
	}
	defer func() { _ = c.root.Remove(partial) }()
	digest := sha256.New()
	size, err := errs.Copy(c.o.Dir, io.MultiWriter(file, digest), io.LimitReader(content, object.Size+1))
	if closing := file.Close(); err == nil {
		err = errs.Writing(c.o.Dir, closing)
	}
	var ours *errs.Error // else it is of the connection
	switch {
	case errors.As(err, &ours):
		return err
	case err != nil:
		return errs.Temporaryf("downloading %q in Git LFS: %w", first, err)
	case size != object.Size || hex.EncodeToString(digest.Sum(nil)) != object.OID:
		return errs.Temporaryf("downloading %q in Git LFS: the content is not that of its pointer: %d bytes of %d", first, size, object.Size)
	}
	for _, name := range object.paths {
		if err := c.replace(partial, name); err != nil {
			return errs.Writing(c.o.Dir, err)
		}
	}
	return nil
}

// replace copies a file over a pointer, which keeps its mode. The pointer is a regular file:
// it is written in place, as its folder has no link in its way.
func (c *lfsClient) replace(from, to string) error {
	in, err := c.root.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := c.root.OpenFile(to, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	// Git compares the content of files that are as new as the index, and would find that it
	// is not the pointer.
	before := time.Now().Add(-racy)
	return c.root.Chtimes(to, before, before)
}

// racy is how much older than the index a file is that git takes for unchanged by its time:
// it compares seconds.
const racy = 2 * time.Second

// copyAll copies the objects that a repository on this machine has, and returns the paths
// that were written.
func (c *lfsClient) copyAll(wanted []*lfsObject) (written []string, err error) {
	r, err := repository.At(c.a.local)
	if err != nil {
		return nil, err
	}
	for _, object := range wanted {
		file, err := limits.Open(filepath.Join(r.Common, "lfs", "objects", object.OID[:2], object.OID[2:4], object.OID))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = c.place(object, file)
		_ = file.Close()
		if err != nil {
			return nil, err
		}
		written = append(written, object.paths...)
	}
	return written, nil
}
