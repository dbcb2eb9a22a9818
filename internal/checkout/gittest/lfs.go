package gittest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// LFS is a server of Git LFS beside a git server: the Batch API with basic transfers, as its
// specification says. Downloads need the header that the batch's answer names.
type LFS struct {
	mu      sync.Mutex
	objects map[string][]byte
	Batches int // answered
	Fail    int // how many downloads still fail with status 503
}

// Add stores content and returns its pointer.
func (l *LFS) Add(content string) (pointer string) {
	sum := sha256.Sum256([]byte(content))
	id := hex.EncodeToString(sum[:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.objects == nil {
		l.objects = map[string][]byte{}
	}
	l.objects[id] = []byte(content)
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", id, len(content))
}

// Alter replaces what the server sends for a pointer.
func (l *LFS) Alter(pointer, content string) {
	id := strings.TrimPrefix(strings.Split(pointer, "\n")[1], "oid sha256:")
	l.mu.Lock()
	defer l.mu.Unlock()
	if content == "" {
		delete(l.objects, id)
		return
	}
	l.objects[id] = []byte(content)
}

const lfsType = "application/vnd.git-lfs+json"

// Around serves Git LFS for the repository at path, and everything else by git.
func (l *LFS) Around(path string, git http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch id, download := strings.CutPrefix(q.URL.Path, "/lfs-storage/"); {
		case download:
			l.download(w, q, id)
		case q.URL.Path == path+"/info/lfs/objects/batch":
			l.batch(w, q)
		default:
			git.ServeHTTP(w, q)
		}
	})
}

func (l *LFS) download(w http.ResponseWriter, q *http.Request, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	content, found := l.objects[id]
	switch {
	case q.Method != http.MethodGet || q.Header.Get("X-Lfs-Grant") != id:
		http.Error(w, "the header of the action lacks", http.StatusForbidden)
	case l.Fail > 0:
		l.Fail--
		http.Error(w, "try again", http.StatusServiceUnavailable)
	case !found:
		http.NotFound(w, q)
	default:
		_, _ = w.Write(content)
	}
}

func (l *LFS) batch(w http.ResponseWriter, q *http.Request) {
	var asked struct {
		Operation string   `json:"operation"`
		Transfers []string `json:"transfers"`
		Objects   []struct {
			OID  string `json:"oid"`
			Size int64  `json:"size"`
		} `json:"objects"`
	}
	mediaType, _, _ := strings.Cut(q.Header.Get("Content-Type"), ";")
	if err := json.NewDecoder(q.Body).Decode(&asked); err != nil || q.Method != http.MethodPost || mediaType != lfsType ||
		!strings.HasPrefix(q.Header.Get("Accept"), lfsType) || asked.Operation != "download" || len(asked.Objects) == 0 || len(asked.Objects) > 100 {
		http.Error(w, "not a batch request", http.StatusUnprocessableEntity)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Batches++
	objects := []map[string]any{}
	for _, object := range asked.Objects {
		answer := map[string]any{"oid": object.OID, "size": object.Size}
		if _, found := l.objects[object.OID]; found {
			answer["actions"] = map[string]any{"download": map[string]any{
				"href": "http://" + q.Host + "/lfs-storage/" + object.OID, "header": map[string]string{"X-Lfs-Grant": object.OID},
			}}
		} else {
			answer["error"] = map[string]any{"code": 404, "message": "Object does not exist"}
		}
		objects = append(objects, answer)
	}
	w.Header().Set("Content-Type", lfsType)
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": objects})
}
