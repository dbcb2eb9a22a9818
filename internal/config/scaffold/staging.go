package scaffold

import "regexp"

// staged matches a synthesizer that adds a stack to the app for each place that the app
// deploys to: a bucket for the assets, which the app's own stacks need.
var staged = regexp.MustCompile(`\bAppStagingSynthesizer\s*\.\s*(?:defaultResources|default_resources)\b`)

// staging returns the stacks that the app's synthesizer adds, as a pattern.
func (t *tree) staging(files []*source) []Stack {
	for _, s := range files {
		if staged.MatchString(s.code) {
			return []Stack{{Name: "StagingStack-*", Path: s.file}}
		}
	}
	return nil
}
