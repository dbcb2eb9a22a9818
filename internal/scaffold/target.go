package scaffold

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// target is an environment as the app's source lets one guess it.
type target struct {
	name    string
	account string // "" when the source does not tell it
	region  string // likewise
	stacks  []string
}

const firstName = "dev"

// targets makes one target of each account that the stacks name. Stacks that
// name none belong to all of them.
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
		return []target{{name: firstName, region: region(stacks), stacks: names(stacks)}}
	}
	var all []target
	for i, account := range accounts {
		var own []Stack
		for _, stack := range stacks {
			if stack.Account == account || members[stack.Account] == nil {
				own = append(own, stack)
			}
		}
		all = append(all, target{name: nameOf(i, len(accounts)), account: account, region: region(own), stacks: names(own)})
	}
	return all
}

// nameOf gives the first target its name, and the last of several prod.
func nameOf(i, count int) string {
	switch i {
	case 0:
		return firstName
	case count - 1:
		return "prod"
	}
	return fmt.Sprintf("stage-%d", i)
}

// region gives the region that most of the stacks name, the first of equals. A
// region of a few stacks only is theirs, not the environment's.
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
