package attest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// mostDifferences is how many differences are listed.
const mostDifferences = 20

// differ appends the differences below a path.
func differ(path string, signed, now any, found []string) []string {
	if len(found) >= mostDifferences {
		return found
	}
	switch s := signed.(type) {
	case map[string]any:
		n, _ := now.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(s)) {
			found = differ(joined(path, name), s[name], n[name], found)
		}
		return found
	case []any:
		n, _ := now.([]any)
		for i := range max(len(s), len(n)) {
			found = differ(path+"["+strconv.Itoa(i)+"]", at(s, i), at(n, i), found)
		}
		return found
	}
	if a, b := show(signed), show(now); a != b {
		found = append(found, fmt.Sprintf("%s was signed as %s and is %s", path, a, b))
	}
	return found
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// mostShown is how much of a value is shown, in bytes.
const mostShown = 120

func show(value any) string {
	if value == nil {
		return "nothing"
	}
	text, _ := json.Marshal(value) // it was JSON
	if len(text) > mostShown {
		sum := sha256.Sum256(text)
		return fmt.Sprintf("%s… (sha256 %.16s)", bytes.ToValidUTF8(text[:mostShown], nil), hex.EncodeToString(sum[:]))
	}
	return string(text)
}

// Digest returns the digest of a JSON object without these members: that of its compact text
// with members in alphabetical order, as `jq -jcS 'del(.member)'` prints it.
func Digest(object []byte, without ...string) (string, error) {
	members := map[string]any{}
	if err := decode(object, &members); err != nil {
		return "", fmt.Errorf("reading a document: %w", err)
	}
	for _, name := range without {
		delete(members, name)
	}
	var text bytes.Buffer
	writing := json.NewEncoder(&text)
	writing.SetEscapeHTML(false)
	if err := writing.Encode(members); err != nil {
		return "", fmt.Errorf("encoding a document: %w", err)
	}
	return DigestOf(bytes.TrimSuffix(text.Bytes(), []byte("\n"))), nil
}

// DigestOf returns the digest of data, as sha256:<hex>.
func DigestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return sha256Prefix + hex.EncodeToString(sum[:])
}
