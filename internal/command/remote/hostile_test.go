package remote

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
)

var short = patience{dial: 2 * time.Second, answer: 300 * time.Millisecond, stall: 300 * time.Millisecond, slack: 200 * time.Millisecond}

// hostile is a server that speaks the protocol, but for what a test gives it.
type hostile map[string]http.HandlerFunc

func (h hostile) listen(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	if h["POST /bind"] == nil {
		mux.HandleFunc("POST /bind", func(w http.ResponseWriter, r *http.Request) { bindHonestly(w, r, "/") })
	}
	for pattern, handler := range h {
		mux.HandleFunc(pattern, handler)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: mux, Protocols: cleartext2()}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func bindHonestly(w http.ResponseWriter, r *http.Request, root string) {
	var request bindRequest
	_ = json.NewDecoder(r.Body).Decode(&request)
	secret, _ := hex.DecodeString(r.Header.Get(secretHeader))
	_ = json.NewEncoder(w).Encode(bindAnswer{Proof: proof(secret, request.Challenge), Root: root})
}

func (h hostile) dial(t *testing.T, limits archive.Limits) *Client {
	return h.dialWith(t, limits, short)
}

func (h hostile) dialWith(t *testing.T, limits archive.Limits, patience patience) *Client {
	t.Helper()
	client, err := Dial(t.Context(), Options{Address: h.listen(t), patience: patience, Limits: limits})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func answer(frames ...[]byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for _, frame := range frames {
			_, _ = w.Write(frame)
		}
	}
}

func frame(kind byte, size int, content string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(size)), content...)
}

func forever(w http.ResponseWriter, r *http.Request) {
	out := appendFrame(nil, stdoutFrame, make([]byte, maxFrame))
	for r.Context().Err() == nil {
		_, _ = w.Write(out)
	}
}

func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestAHostileAnswerToACommandIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		run  http.HandlerFunc
		says string
	}{
		"AFrameOfNoKind":          {answer(frame(9, 1, "x")), "sent a frame that is none: kind 9"},
		"AFrameThatIsTooLong":     {answer(frame(stdoutFrame, 1<<31, "")), "with 2147483648 bytes"},
		"AFrameThatIsCut":         {answer(frame(stdoutFrame, 100, "x")), "unexpected EOF"},
		"AnAnswerThatIsCut":       {answer(frame(stdoutFrame, 1, "x")), "EOF"},
		"AnEndThatIsNoJSON":       {answer(frame(exitFrame, 1, "x")), "sent a frame that is none"},
		"AStopThatNobodyAskedFor": {answer(frame(exitFrame, 18, `{"cancelled":true}`)), "was not asked to stop"},
		"Silence":                 {silence, "it does not answer"},
		"AnAbortedAnswer":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "stream error"},
		"OutputWithoutEnd":        {forever, "it did not stop a command at its limit"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := hostile{"POST /run": c.run}.dial(t, archive.Limits{})
			run := command.Command{Args: []string{"x"}, Stdout: io.Discard, Limit: 100 * time.Millisecond, Grace: 50 * time.Millisecond}
			err := client.Run(t.Context(), run)
			require.ErrorIs(t, err, command.ErrGone)
			require.ErrorContains(t, err, c.says)
			require.ErrorIs(t, client.Run(t.Context(), run), command.ErrGone, "nothing more is done with it")
			_, err = client.LookPath("sh")
			require.ErrorIs(t, err, command.ErrGone)
		})
	}
}

func TestAServerThatIgnoresACancellationIsGivenUp(t *testing.T) {
	t.Parallel()
	client := hostile{"POST /run": forever, "POST /stop": func(http.ResponseWriter, *http.Request) {}}.dial(t, archive.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	err := client.Run(ctx, command.Command{Args: []string{"x"}, Stdout: &cancelling{cancel}, Grace: 50 * time.Millisecond})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 5*time.Second)
	require.ErrorIs(t, client.Run(t.Context(), command.Command{Args: []string{"x"}}), command.ErrGone)
}

type cancelling struct{ cancel func() }

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

func TestOutputThatNobodyTakesStaysWithTheServer(t *testing.T) {
	var before, after runtime.MemStats
	client := hostile{"POST /run": forever}.dial(t, archive.Limits{})
	runtime.ReadMemStats(&before)
	block := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- client.Run(t.Context(), command.Command{Args: []string{"x"}, Stdout: &blocked{block}, Limit: time.Second, Grace: time.Millisecond})
	}()
	time.Sleep(500 * time.Millisecond)
	runtime.ReadMemStats(&after)
	close(block)
	require.ErrorIs(t, <-done, command.ErrGone)
	assert.Less(t, int64(after.HeapInuse)-int64(before.HeapInuse), int64(16<<20), "of both sides")
}

type blocked struct{ until chan struct{} }

func (b *blocked) Write(p []byte) (int, error) {
	<-b.until
	return len(p), nil
}

func TestAHostileAnswerToABindingIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		bind http.HandlerFunc
		says string
	}{
		"TheSecretOfAnotherRun": {
			func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set(secretHeader, strings.Repeat("00", secretBytes))
				bindHonestly(w, r, "/")
			}, "it does not know the secret of this run",
		},
		"ARefusal":             {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no\x1b[31m", http.StatusForbidden) }, "no [31m (403)"},
		"ARelativeRoot":        {func(w http.ResponseWriter, r *http.Request) { bindHonestly(w, r, "..") }, `".." as its folder`},
		"NoJSON":               {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, "something else"},
		"AnAnswerWithoutEnd":   {forever, "it answered with more than"},
		"Silence":              {silence, "it does not answer"},
		"AHeaderThatIsTooLong": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), Options{Address: hostile{"POST /bind": c.bind}.listen(t), patience: short})
			require.ErrorIs(t, err, command.ErrGone)
			require.ErrorContains(t, err, "cannot be used")
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "\x1b")
		})
	}
}

// TestACommandThatListensInPlaceOfTheServerGetsNoSecret is about the second program of a
// pod: a command of the first one listens where the server was, and obeys like it.
func TestACommandThatListensInPlaceOfTheServerGetsNoSecret(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, secretBytes)
	told := make(chan string, 9)
	guess := func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(secretHeader, strings.Repeat("00", secretBytes))
		bindHonestly(w, r, "/")
	}
	impostor := hostile{
		"POST " + bindPath: func(w http.ResponseWriter, r *http.Request) {
			told <- r.Header.Get(secretHeader)
			bindHonestly(w, r, "/")
		},
		"POST " + provePath: guess,
	}
	client, err := Dial(t.Context(), Options{Address: impostor.listen(t), Secret: secret, patience: short})
	require.NoError(t, err, "who is told the secret can prove it")
	_ = client.Close()
	require.Equal(t, hex.EncodeToString(secret), <-told)

	for name, answer := range map[string]http.HandlerFunc{
		"a guess": guess, "the challenge": func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) },
		"nothing": func(http.ResponseWriter, *http.Request) {}, "a refusal": http.NotFound,
	} {
		impostor["POST "+provePath] = func(w http.ResponseWriter, r *http.Request) {
			if said := r.Header.Get(secretHeader); said != "" {
				told <- said
			}
			answer(w, r)
		}
		_, err = Dial(t.Context(), Options{Address: impostor.listen(t), Secret: secret, Known: true, patience: short})
		require.ErrorIs(t, err, command.ErrGone, name)
		assert.Empty(t, told, name)
	}
}

func TestSomebodyWhoDoesNotSpeakTheProtocolIsAnError(t *testing.T) {
	t.Parallel()
	for name, talk := range map[string]func(net.Conn){
		"Silence": func(net.Conn) {},
		"Goodbye": func(c net.Conn) { _ = c.Close() },
		"HTTP1":   func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") },
		"AFrameOfHTTP2ThatIsTooLong": func(c net.Conn) {
			_, _ = c.Write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1})
			_, _ = io.Copy(c, zeros{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			go func() {
				if conn, err := listener.Accept(); err == nil {
					talk(conn)
				}
			}()
			_, err = Dial(t.Context(), Options{Address: listener.Addr().String(), patience: short})
			require.ErrorIs(t, err, command.ErrGone)
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestHostileFilesAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	folder := func(entries ...*tar.Header) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(kindHeader, aFolder)
			out := tar.NewWriter(w)
			for _, entry := range entries {
				_ = out.WriteHeader(entry)
				_, _ = io.CopyN(out, zeros{}, entry.Size)
			}
			_ = out.Close()
		}
	}
	file := func(name string, size int64) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size}
	}
	many := make([]*tar.Header, 200)
	for i := range many {
		many[i] = file(fmt.Sprint(i), 0)
	}
	cases := map[string]struct {
		get  http.HandlerFunc
		says string
	}{
		"AFileOutside":   {folder(file("../outside", 1)), "outside of the folder"},
		"AnAbsoluteFile": {folder(file("/tmp/outside", 1)), "outside of the folder"},
		"AFileThroughALink": {
			folder(&tar.Header{Typeflag: tar.TypeSymlink, Name: "d", Linkname: "/tmp"}, file("d/outside", 1)), "does not precede it",
		},
		"AHardLink":          {folder(&tar.Header{Typeflag: tar.TypeLink, Name: "h", Linkname: "/etc/passwd"}), "not allowed"},
		"ADevice":            {folder(&tar.Header{Typeflag: tar.TypeChar, Name: "c"}), "not allowed"},
		"TooManyBytes":       {folder(file("big", 1<<20+1)), "more than 1 MiB"},
		"TooManyBytesInAll":  {folder(file("a", 600<<10), file("b", 600<<10)), "more than 1 MiB"},
		"TooManyEntries":     {folder(many...), "more than 100 files"},
		"ALinkThatIsTooLong": {folder(&tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: strings.Repeat("x", 10<<10)}), "names are too long"},
		"NoTar": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(kindHeader, aFolder)
			_, _ = w.Write(bytes.Repeat([]byte("no tar"), 1000))
		}, "cannot be trusted"},
		"NoKind": {func(w http.ResponseWriter, _ *http.Request) {}, "neither a file nor a folder"},
		"AFileWithoutEnd": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(kindHeader, aFile)
			w.Header().Set(modeHeader, "644")
			w.Header().Set(timeHeader, "2026-01-02T03:04:05Z")
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 64<<10))
			}
		}, "cannot be trusted"},
		"SomethingBehindTheEnd": {func(w http.ResponseWriter, r *http.Request) {
			folder()(w, r)
			_, _ = w.Write(make([]byte, 64<<10))
		}, "follow what it sent"},
		"AFailureOnTheWay": {func(w http.ResponseWriter, r *http.Request) {
			folder(file("a", 3))(w, r)
			w.Header().Set(http.TrailerPrefix+failedTrailer, "the disk broke")
		}, "the disk broke"},
		"AStandstill": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(kindHeader, aFolder)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "stood still"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := hostile{"GET /files": c.get}.dial(t, archive.Limits{Bytes: 1 << 20, Entries: 100})
			dir := t.TempDir()
			_, err := client.Fetch(t.Context(), "/x", filepath.Join(dir, "into"), command.Selection{})
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "\x1b")
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Empty(t, left)
			assert.NoFileExists(t, "/tmp/outside")
		})
	}
	for _, name := range []string{"TooManyBytes", "TooManyBytesInAll", "TooManyEntries"} {
		client := hostile{"GET /files": cases[name].get}.dialWith(t, archive.Limits{Bytes: 4 << 20, Entries: 1000}, usualPatience)
		_, err := client.Fetch(t.Context(), "/x", filepath.Join(t.TempDir(), "into"), command.Selection{})
		assert.NoError(t, err, "%s: without the limit all of it is taken", name)
	}
}
