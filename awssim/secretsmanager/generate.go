package secretsmanager

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Recipe is how a random password is made: GetRandomPassword and the
// GenerateSecretString of a template have the same members.
type Recipe struct {
	PasswordLength          int
	ExcludeCharacters       string
	ExcludeNumbers          bool
	ExcludePunctuation      bool
	ExcludeUppercase        bool
	ExcludeLowercase        bool
	IncludeSpace            bool
	RequireEachIncludedType *bool
	SecretStringTemplate    string
	GenerateStringKey       string
}

const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// Password makes a password of the recipe.
func (r Recipe) Password() (string, error) {
	length := r.PasswordLength
	if length == 0 {
		length = 32
	}
	kinds := r.alphabets()
	all := strings.Join(kinds, "")
	if all == "" || length < len(kinds) || length > 4096 {
		return "", fmt.Errorf("a password of length %d cannot be made with these exclusions", length)
	}
	var password string
	if r.RequireEachIncludedType == nil || *r.RequireEachIncludedType {
		for _, kind := range kinds {
			password += RandomText(kind, 1)
		}
	}
	return password + RandomText(all, length-len(password)), nil
}

func (r Recipe) alphabets() []string {
	kinds := []struct {
		out     bool
		letters string
	}{
		{r.ExcludeLowercase, letters[:26]},
		{r.ExcludeUppercase, letters[26:]},
		{r.ExcludeNumbers, digits},
		{r.ExcludePunctuation, punctuation},
		{!r.IncludeSpace, " "},
	}
	var left []string
	for _, kind := range kinds {
		usable := strings.Map(func(c rune) rune {
			if strings.ContainsRune(r.ExcludeCharacters, c) {
				return -1
			}
			return c
		}, kind.letters)
		if !kind.out && usable != "" {
			left = append(left, usable)
		}
	}
	return left
}

// Text makes the secret: the password alone, or the template's JSON object
// with the password under the recipe's key.
func (r Recipe) Text() (string, error) {
	password, err := r.Password()
	if err != nil || r.GenerateStringKey == "" {
		return password, err
	}
	members := map[string]any{}
	if err := json.Unmarshal([]byte(r.SecretStringTemplate), &members); err != nil {
		return "", fmt.Errorf("SecretStringTemplate is no JSON object: %w", err)
	}
	members[r.GenerateStringKey] = password
	text, err := json.Marshal(members)
	return string(text), err
}
