package checkout

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// behind serves r behind another handler.
func behind(t *testing.T, r *gittest.Repository, wrap func(w http.ResponseWriter, q *http.Request, git http.Handler)) *httptest.Server {
	t.Helper()
	handler, err := gittest.Handler(r.Dir)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { wrap(w, q, handler) }))
	t.Cleanup(server.Close)
	return server
}

// passOn serves without change.
func passOn(w http.ResponseWriter, q *http.Request, git http.Handler) { git.ServeHTTP(w, q) }

func oneCommit(t *testing.T) (*gittest.Repository, string) {
	t.Helper()
	r := anyCommit(gittest.New(t))
	r.Write("file", strings.Repeat("content\n", 100))
	return r, r.Commit("one")
}

func TestTheTokenIsSentToTheConfiguredHost(t *testing.T) {
	r, commit := oneCommit(t)
	server := behind(t, r, func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		if user, password, _ := q.BasicAuth(); user == "" || password != "t0ken-value" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		git.ServeHTTP(w, q)
	})
	host := strings.TrimPrefix(server.URL, "http://")
	_, _, err := checkOutTo(t, server.URL+"/.git", commit, func(o *Options) { o.Token, o.Host = "t0ken-value", host })
	require.NoError(t, err)

	_, _, err = checkOutTo(t, server.URL+"/.git", commit, func(o *Options) { o.Token, o.Host = "wr0ng-value", host })
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "token")
	assert.NotContains(t, err.Error(), "wr0ng-value")
}

func TestTheTokenIsNotInTheWorkspace(t *testing.T) {
	r, commit := oneCommit(t)
	server := behind(t, r, passOn)
	var progress bytes.Buffer
	_, dir, err := checkOutTo(t, server.URL+"/.git", commit, func(o *Options) {
		o.Token, o.Host, o.Progress = "t0ken-value", strings.TrimPrefix(server.URL, "http://"), &progress
	})
	require.NoError(t, err)
	assert.NotContains(t, progress.String(), "t0ken-value")
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.NotContains(t, string(content), "t0ken-value", path)
		}
		return err
	}))
}

func TestARedirectToAnotherHostIsRefusedAndGetsNoToken(t *testing.T) {
	r, commit := oneCommit(t)
	var asked, told atomic.Int32
	other := behind(t, r, func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		asked.Add(1)
		if _, password, _ := q.BasicAuth(); password == "t0ken-value" {
			told.Add(1)
		}
		git.ServeHTTP(w, q)
	})
	server := behind(t, r, func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
		http.Redirect(w, q, other.URL+q.URL.RequestURI(), http.StatusMovedPermanently)
	})
	_, _, err := checkOutTo(t, server.URL+"/.git", commit, func(o *Options) {
		o.Token, o.Host = "t0ken-value", strings.TrimPrefix(server.URL, "http://")
	})
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
	assert.Contains(t, err.Error(), "redirects to another host")
	assert.Zero(t, asked.Load())

	header := "http.extraHeader=Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("x:t0ken-value"))
	output, err := exec.Command("git", "-C", r.Dir, "-c", header, "fetch", "--quiet", server.URL+"/.git", commit).CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Positive(t, told.Load(), "the program git gives the token to the other host")
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	r, commit := oneCommit(t)
	server := behind(t, r, func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		if rest, found := strings.CutPrefix(q.URL.Path, "/old-name"); found {
			http.Redirect(w, q, rest+"?"+q.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		git.ServeHTTP(w, q)
	})
	_, _, err := checkOutTo(t, server.URL+"/old-name/.git", commit)
	require.NoError(t, err)
}

func TestASilentServerTimesOut(t *testing.T) {
	r, commit := oneCommit(t)
	for name, slow := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"before it answers": func(_ http.ResponseWriter, q *http.Request, _ http.Handler) { <-q.Context().Done() },
		"in the middle": func(w http.ResponseWriter, q *http.Request, git http.Handler) {
			if q.Method == http.MethodGet {
				git.ServeHTTP(w, q)
				return
			}
			_, _ = io.WriteString(w, "0034shallow "+commit+"0000")
			w.(http.Flusher).Flush()
			_, _ = io.Copy(io.Discard, q.Body)
			<-q.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, _, err := checkOutTo(t, behind(t, r, slow).URL+"/.git", commit, func(o *Options) { o.Patience = 100 * time.Millisecond })
			require.Error(t, err)
			assert.Equal(t, errs.Temporary, errs.KindOf(err), err)
			assert.Contains(t, err.Error(), "has sent nothing for too long")
			assert.Less(t, time.Since(began), 5*time.Second)
		})
	}
}

func TestASlowServerIsStoppedAtTheLimit(t *testing.T) {
	r, commit := oneCommit(t)
	server := behind(t, r, func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
		for q.Context().Err() == nil {
			_, _ = io.WriteString(w, "1")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	_, _, err := checkOutTo(t, server.URL+"/.git", commit, func(o *Options) { o.Limit = 300 * time.Millisecond })
	require.Error(t, err)
	assert.Equal(t, errs.Temporary, errs.KindOf(err), err)
}

func TestAFailingServerGetsThreeAttempts(t *testing.T) {
	r, commit := oneCommit(t)
	failures := map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"with 503": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"with 429": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"by hanging up":        func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
		"by cutting off":       cutOff,
		"by damaging the pack": damage,
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			server := behind(t, r, func(w http.ResponseWriter, q *http.Request, git http.Handler) {
				if q.Method == http.MethodGet {
					asked.Add(1)
				}
				if asked.Load() <= 2 {
					fail(w, q, git)
					return
				}
				git.ServeHTTP(w, q)
			})
			_, dir, err := checkOutTo(t, server.URL+"/.git", commit)
			require.NoError(t, err)
			assert.EqualValues(t, 3, asked.Load())
			assert.Empty(t, git(t, dir, "status", "--porcelain"))

			asked.Store(-100)
			_, _, err = checkOutTo(t, server.URL+"/.git", commit)
			require.Error(t, err, "when every attempt fails")
			assert.Equal(t, errs.Temporary, errs.KindOf(err), err)
		})
	}
}

// cutOff sends half of the pack and closes the connection.
func cutOff(w http.ResponseWriter, q *http.Request, git http.Handler) {
	recorder := httptest.NewRecorder()
	git.ServeHTTP(recorder, q)
	body := recorder.Body.Bytes()
	if q.Method == http.MethodPost {
		_, _ = w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

// damage changes a byte in the middle of the pack.
func damage(w http.ResponseWriter, q *http.Request, git http.Handler) {
	recorder := httptest.NewRecorder()
	git.ServeHTTP(recorder, q)
	body := recorder.Body.Bytes()
	if q.Method == http.MethodPost {
		body[bytes.Index(body, []byte("PACK"))+40] ^= 0xff
	}
	_, _ = w.Write(body)
}

func TestARefusalIsNotRetried(t *testing.T) {
	r, commit := oneCommit(t)
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		var asked atomic.Int32
		server := behind(t, r, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			asked.Add(1)
			w.WriteHeader(status)
		})
		_, _, err := checkOutTo(t, server.URL+"/.git", commit)
		require.Error(t, err)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
		assert.EqualValues(t, 1, asked.Load(), status)
	}
}

func TestCancellingStopsACheckout(t *testing.T) {
	r, commit := oneCommit(t)
	ctx, cancel := context.WithCancel(t.Context())
	server := behind(t, r, func(_ http.ResponseWriter, q *http.Request, _ http.Handler) {
		cancel()
		<-q.Context().Done()
	})
	dir := filepath.Join(t.TempDir(), "workspace")
	_, err := CheckOut(ctx, Options{URL: server.URL + "/.git", Commit: commit, Dir: dir, AllowLocal: true})
	require.Error(t, err)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err), err)
	assertNothingLeft(t, dir)
}

func TestALargeFileNeedsLittleMemory(t *testing.T) { checkOutLarge(t, 64<<20) }

func TestAFileOfAGibibyteNeedsLittleMemory(t *testing.T) {
	if os.Getenv("CONFORMANCE") != "all" {
		t.Skip("takes a minute and 3 GiB of disk; run by make conformance")
	}
	checkOutLarge(t, 1<<30)
}

// checkOutLarge checks a file of that many bytes out, which is not packed: a file that
// is packed to less than a part of a limit is refused.
func checkOutLarge(t *testing.T, size int64) {
	r := anyCommit(gittest.New(t))
	r.Git("config", "core.compression", "0")
	require.NoError(t, os.WriteFile(filepath.Join(r.Dir, "large"), nil, 0o644))
	require.NoError(t, os.Truncate(filepath.Join(r.Dir, "large"), size))
	commit := r.Commit("large")
	url := r.Serve()
	peak := watchMemory(t)
	_, dir, err := checkOutTo(t, url, commit)
	require.NoError(t, err)
	assert.Less(t, peak(), uint64(32<<20), "bytes of additional heap")
	info, err := os.Stat(filepath.Join(dir, "large"))
	require.NoError(t, err)
	assert.Equal(t, size, info.Size())
}

// watchMemory returns a function that stops watching and returns the largest growth of
// the heap, in bytes.
func watchMemory(t *testing.T) func() uint64 {
	t.Helper()
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	before, highest := stats.HeapAlloc, uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before {
				highest = max(highest, now.HeapAlloc-before)
			}
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return highest
	}
}
