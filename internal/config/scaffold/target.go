package scaffold

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
)

// target is an environment guessed from the app's source.
type target struct {
	name    string
	account string   // "" if the source does not set it
	region  string   // likewise
	further []string // regions that the stacks reach besides
	stacks  []string

	qualifiers []string // of the CDK bootstraps; nil for the usual one
}

// targetOf is the target of some of the stacks.
func targetOf(name, account string, own []Stack) target {
	return target{name: name, account: account, region: region(own), further: further(own), stacks: names(own), qualifiers: qualifiers(own)}
}

const firstName = "dev"

// targets returns one target for each account that the stacks set or, if they set none,
// for each stage of delivery. Stacks without one belong to all of them.
func targets(stacks []Stack) []target {
	var accounts []string
	members := map[string][]Stack{}
	for _, stack := range stacks {
		if stack.Account != "" && members[stack.Account] == nil && config.Accepts[config.Environment]("account", stack.Account) {
			accounts = append(accounts, stack.Account)
			members[stack.Account] = []Stack{}
		}
	}
	if accounts == nil {
		if all := stages(stacks); len(all) > 1 {
			return all
		}
		return []target{targetOf(firstName, "", stacks)}
	}
	var all []target
	for i, account := range accounts {
		var own []Stack
		for _, stack := range stacks {
			if stack.Account == account || members[stack.Account] == nil {
				own = append(own, stack)
			}
		}
		all = append(all, targetOf(nameOf(i, len(accounts)), account, own))
	}
	return all
}

// stageWords are the usual names of stages of delivery, in their order.
var stageWords = []string{"dev", "development", "test", "qa", "uat", "stage", "staging", "preprod", "prod", "production"}

// stageWord matches one in a name such as Api-dev, prod_Api or Dev/*.
var stageWord = regexp.MustCompile(`(?i)(?:^|[-_./])(` + strings.Join(stageWords, "|") + `)(?:$|[-_./])`)

// stages returns one target for each stage of delivery in the names of stacks: the same
// stacks in one account would have conflicting names.
func stages(stacks []Stack) []target {
	var all []target
	for _, word := range stageWords {
		var own []Stack
		named := false
		for _, stack := range stacks {
			found := strings.ToLower(firstOf(stageWord, stack.Name))
			named = named || found == word
			if found == word || found == "" {
				own = append(own, stack)
			}
		}
		if named {
			all = append(all, targetOf(word, "", own))
		}
	}
	return all
}

// nameOf names the first target, and the last of several prod.
func nameOf(i, count int) string {
	switch i {
	case 0:
		return firstName
	case count - 1:
		return "prod"
	}
	return fmt.Sprintf("stage-%d", i)
}

// region returns the region that most stacks set, the first of equals. A region that only
// a few stacks set is not the environment's.
func region(stacks []Stack) string {
	counts := map[string]int{}
	best := ""
	for _, stack := range stacks {
		if config.Accepts[config.Environment]("region", stack.Region) {
			counts[stack.Region]++
			if best == "" || counts[stack.Region] > counts[best] {
				best = stack.Region
			}
		}
	}
	if 2*counts[best] < len(stacks) {
		return ""
	}
	return best
}

// further returns the regions of stacks, and of what they reach, that the environment does
// not reach by its own.
func further(stacks []Stack) (regions []string) {
	own := cmp.Or(region(stacks), Region)
	for _, stack := range stacks {
		named := append([]string{stack.Region}, stack.regions...)
		for _, made := range stack.Reached {
			named = append(named, made.Region)
		}
		for _, one := range named {
			if config.Accepts[config.Environment]("region", one) && config.Partition(one) == config.Partition(own) &&
				!slices.Contains(config.ReachedRegions(own, regions), one) {
				regions = append(regions, one)
			}
		}
	}
	return regions
}

// qualifiers returns those of the bootstraps that the stacks reach, nil if the usual one
// is all.
func qualifiers(stacks []Stack) (all []string) {
	for _, stack := range stacks {
		for _, made := range stack.Reached {
			if !slices.Contains(all, made.Qualifier) && config.Accepts[config.Environment]("bootstrapQualifiers", made.Qualifier) {
				all = append(all, made.Qualifier)
			}
		}
	}
	if slices.Equal(all, []string{bootstrap.DefaultQualifier}) {
		return nil
	}
	return all
}
