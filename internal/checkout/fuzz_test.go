package checkout

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// one is a repository of one object.
type one []byte

func (o one) Read(plumbing.Hash, plumbing.ObjectType, int64) ([]byte, error) { return o, nil }
func (o one) ObjectSize(plumbing.Hash) (int64, error)                        { return int64(len(o)), nil }

func (o one) Copy(w io.Writer, _ plumbing.Hash) (int64, error) { return io.Copy(w, bytes.NewReader(o)) }

// FuzzTree holds that a folder of a commit has only names that stay in it, and modes that
// are written as files, folders, links or submodules.
func FuzzTree(f *testing.F) {
	hash := strings.Repeat("\x01", 20)
	f.Add([]byte("100644 a\x00" + hash + "40000 b\x00" + hash))
	f.Add([]byte("120000 .git\x00" + hash))
	f.Add([]byte("160000 ..\x00" + hash))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = treeOf(one(text), plumbing.ZeroHash)
		entries, err := readTree(one(text), plumbing.ZeroHash, "")
		if err != nil {
			return
		}
		for _, entry := range entries {
			if entry.name == "" || entry.name == "." || entry.name == ".." || strings.ContainsAny(entry.name, "/\x00") || strings.EqualFold(entry.name, ".git") {
				t.Errorf("the name %q is accepted", entry.name)
			}
			switch entry.mode {
			case filemode.Regular, filemode.Executable, filemode.Symlink, filemode.Dir, filemode.Submodule:
			default:
				t.Errorf("the mode %o is accepted", entry.mode)
			}
		}
	})
}

// FuzzEvent holds that values of a webhook event that are accepted name a repository of
// the configured host over https, without credentials, and a commit in full.
func FuzzEvent(f *testing.F) {
	f.Add("https://github.com/owner/repository.git", strings.Repeat("0a", 20))
	f.Add("git@github.com:owner/repository", "-upload-pack=x")
	f.Add("https://github.com@evil.example/x", strings.Repeat("G", 40))
	f.Add("ext::sh -c id", "main")
	f.Fuzz(func(t *testing.T, address, commit string) {
		if CheckCommit(commit) == nil && (len(commit) != 40 && len(commit) != 64 || strings.Trim(commit, "0123456789abcdef") != "") {
			t.Errorf("the commit %q is accepted", commit)
		}
		if CheckURL(address, "", false) != nil {
			return
		}
		parsed, err := url.Parse(address)
		if err != nil || parsed.Scheme != "https" || !strings.EqualFold(parsed.Hostname(), DefaultHost) || parsed.User != nil {
			t.Errorf("the repository %q is accepted", address)
		}
	})
}

// FuzzOffer holds that whatever references and capabilities a git server offers, and
// whatever it answers, a request wants objects, and its answer is read to an end.
func FuzzOffer(f *testing.F) {
	const hash = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
	lines := func(texts ...string) []byte {
		var all []byte
		for _, text := range texts {
			all = fmt.Appendf(all, "%04x%s", len(text)+4, text)
		}
		return append(all, "0000"...)
	}
	f.Add(lines(hash+" refs/heads/main\x00shallow\n"), []byte("PACK"))
	f.Add(lines(hash+" HEAD\x00side-band-64k filter allow-reachable-sha1-in-want shallow no-progress\n", hash+" refs/tags/v1^{}\n"), lines("\x01abc", "\x02text"))
	f.Add(lines(strings.Repeat("0", 40)+" capabilities^{}\x00side-band agent=x\n"), lines("\x03failed"))
	commit := plumbing.NewHash(hash)
	f.Fuzz(func(t *testing.T, offer, answer []byte) {
		offered := packp.NewAdvRefs()
		if offered.Decode(bytes.NewReader(offer)) != nil {
			return
		}
		for _, request := range []func() (*packp.UploadPackRequest, error){
			func() (*packp.UploadPackRequest, error) { return requestFor(offered, commit) },
			func() (*packp.UploadPackRequest, error) { return historyRequest(offered, commit, commit) },
		} {
			made, err := request()
			if err != nil {
				continue
			}
			if len(made.Wants) == 0 || slices.Contains(made.Wants, plumbing.ZeroHash) {
				t.Errorf("%q makes a request for %v", offer, made.Wants)
			}
			if n, _ := io.Copy(io.Discard, packOf(bytes.NewReader(answer), made)); n > int64(len(answer)) {
				t.Errorf("%d bytes of %q", n, answer)
			}
		}
	})
}

// FuzzModules holds that the token goes to no host but that of the repository, whatever
// .gitmodules says, and nothing on this machine is read.
func FuzzModules(f *testing.F) {
	f.Add([]byte("[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n"))
	f.Add([]byte("[submodule \"lib\"]\n\tpath = lib\n\turl = https://gitlab.com/owner/lib\n"))
	f.Add([]byte("[submodule \"lib\"]\n\tpath = lib\n\turl = git@github.com:owner/lib.git\n"))
	f.Add([]byte("[submodule \"../x\"]\n\tpath = .git\n\turl = file:///etc\n"))
	o := Options{URL: "https://github.com/owner/shop", Token: "secret"}.withDefaults()
	around, err := parseAddress(o)
	if err != nil {
		f.Fatal(err)
	}
	p := &parts{want: Parts{Submodules: true, Hosts: []string{"gitlab.com"}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		modules, err := parseModules(text)
		if err != nil {
			return
		}
		for _, m := range modules {
			from, err := p.optionsFor(o, around, m)
			if err != nil {
				continue
			}
			u, err := url.Parse(from.URL)
			if err != nil || u.Scheme != "https" || u.User != nil || !strings.EqualFold(u.Host, "gitlab.com") && !strings.EqualFold(u.Hostname(), DefaultHost) {
				t.Errorf("%q is fetched", from.URL)
			}
			if from.Token != "" && !strings.EqualFold(u.Hostname(), DefaultHost) {
				t.Errorf("%q gets the token", from.URL)
			}
		}
	})
}

// FuzzLFS holds that a pointer names an object by digest and size, and that an answer of a
// server that is accepted says how to download it.
func FuzzLFS(f *testing.F) {
	id := strings.Repeat("0a", 32)
	f.Add([]byte(pointerStart+"oid sha256:"+id+"\nsize 12\n"), []byte(`{"objects":[{"oid":"`+id+`","actions":{"download":{"href":"https://x"}}}]}`))
	f.Add([]byte(pointerStart+"ext-0-a b\noid sha256:"+id+"\nsize 999999999999999999\n"), []byte(`{"transfer":"basic","objects":[{"oid":"x","error":{"code":404}}]}`))
	c := &lfsClient{o: Options{URL: "https://github.com/owner/shop"}}
	f.Fuzz(func(t *testing.T, pointer, answer []byte) {
		got, size, ok := parsePointer(pointer)
		if ok && (size < 0 || len(got) != 64 || !bytes.HasPrefix(pointer, []byte(pointerStart))) {
			t.Errorf("%q is a pointer to %q of %d bytes", pointer, got, size)
		}
		actions, err := c.actions(answer, []*lfsObject{{OID: id, Size: size, paths: []string{"a"}}})
		if _, found := actions[id]; found != (err == nil) {
			t.Errorf("%q gives %v, %v", answer, actions, err)
		}
	})
}
