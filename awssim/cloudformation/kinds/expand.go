package kinds

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// variable is a part of a pattern that is replaced:
//
//	{partition} {region} {account} {suffix}   the place
//	{id}  the physical id   {last}  what is behind its last colon or slash
//	{name}  the given or invented name
//	{prop.X}  the property X   {last.X}  what is behind its last colon or slash
//	{uuid} {hex8} {hex17} {low10} {up13}   invented: a UUID, 8 hex digits, …
var variable = regexp.MustCompile(`\{[A-Za-z0-9.]+\}`)

const (
	hexAlphabet   = "0123456789abcdef"
	lowerAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	digitAlphabet = "0123456789"
	upperAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

func (s Subject) expand(pattern string) string {
	return variable.ReplaceAllStringFunc(pattern, func(match string) string {
		return s.variable(match[1 : len(match)-1])
	})
}

func (s Subject) variable(name string) string {
	if property, ok := strings.CutPrefix(name, "prop."); ok {
		return text(s.Properties[property])
	}
	if property, ok := strings.CutPrefix(name, "last."); ok {
		return last(text(s.Properties[property]))
	}
	switch name {
	case "partition":
		return s.Place.Partition
	case "region":
		return s.Place.Region
	case "account":
		return s.Place.Account
	case "suffix":
		return s.Place.suffix()
	case "id":
		return s.PhysicalID
	case "last":
		return last(s.PhysicalID)
	case "name":
		return s.newName()
	}
	return s.invented(name)
}

func (s Subject) invented(name string) string {
	if name == "uuid" {
		return UUID(s.Seed)
	}
	for prefix, alphabet := range map[string]string{
		"hex": hexAlphabet, "low": lowerAlphabet, "up": upperAlphabet, "dig": digitAlphabet,
	} {
		var length int
		if _, err := fmt.Sscanf(name, prefix+"%d", &length); err == nil {
			return letters(s.Seed, alphabet, length)
		}
	}
	return name
}

// UUID makes a version 4 UUID of a seed.
func UUID(seed string) string {
	h := letters(seed, hexAlphabet, 30)
	return h[:8] + "-" + h[8:12] + "-4" + h[12:15] + "-a" + h[15:18] + "-" + h[18:30]
}

// letters makes length letters of a seed.
func letters(seed, alphabet string, length int) string {
	sum := sha256.Sum256([]byte(alphabet + seed))
	number, base, digit := new(big.Int).SetBytes(sum[:]), big.NewInt(int64(len(alphabet))), new(big.Int)
	result := make([]byte, length)
	for i := range result {
		number.DivMod(number, base, digit)
		result[i] = alphabet[digit.Int64()]
	}
	return string(result)
}

func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}
