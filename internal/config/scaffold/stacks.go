package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	// new shop.ApiStack( and in Python and Go shop.ApiStack(
	call = regexp.MustCompile(`(\bnew\s+)?((?:[A-Za-z_$][\w$]*\s*\.\s*)*[A-Za-z_$][\w$]*)\s*(?:<[\w\s,.]*>)?\(`)
	// const app = new cdk.App(, App app = new App(, app := awscdk.NewApp(
	assigned = regexp.MustCompile(`([A-Za-z_$][\w$]*)\s*(?::\s*[\w.]+\s*)?:?=\s*(?:new\s+)?([\w$.]+)\s*\(`)
	// the same without indentation
	topLevelApp = regexp.MustCompile(`(?m)^(?:export\s+)?(?:const|let|var)\s+[\w$]+\s*(?::\s*[\w.]+\s*)?=\s*new\s+([\w$.]+)\s*\(`)
	// app: cdk.App, App app, app awscdk.App
	typed = regexp.MustCompile(`([A-Za-z_$][\w$]*)\s*:\s*(?:[\w$]+\.)*App\b|\bApp\s+([A-Za-z_]\w*)|([A-Za-z_]\w*)\s+(?:\w+\.)App\b`)
	// an app that is created as an argument
	newApp = regexp.MustCompile(`^(?:new\s+)?(?:[\w$]+\.)*(?:App|NewApp)\s*\(`)
	// scope=app, construct_id="Api", id: "Api"
	keyword = regexp.MustCompile(`^(?:scope|id|_?construct_id|id_)\s*(?:=|:)\s*`)
)

// stackLimit is the most stacks of one app that are read.
const stackLimit = 500

// stacks returns the stacks that the app's entries and their imports create in the app or,
// if there are none, those of any file.
func (t *tree) stacks(entries []string) []Stack {
	if found := t.stacksOf(t.ofOneApp(entries)); found != nil {
		return found
	}
	return t.stacksOf(t.files)
}

// ofOneApp returns the entries and the files that they import. If the entries create the
// app, an imported file that creates another app is left out with its stacks.
func (t *tree) ofOneApp(entries []string) []*source {
	reached := t.reach(entries)
	isEntry := func(s *source) bool { return slices.Contains(entries, s.file) }
	if !slices.ContainsFunc(reached, func(s *source) bool { return isEntry(s) && t.makesApp(s) }) {
		return reached
	}
	return slices.DeleteFunc(reached, func(s *source) bool { return !isEntry(s) && s.language.new && t.makesApp(s) })
}

// makesApp reports whether a file creates an app outside functions.
func (t *tree) makesApp(s *source) bool {
	return slices.ContainsFunc(topLevelApp.FindAllStringSubmatch(s.code, -1), func(match []string) bool {
		return t.kindOf(lastWord(match[1]), s) == anApp
	})
}

func (t *tree) stacksOf(files []*source) []Stack {
	var found []Stack
	for _, s := range files {
		apps := t.appsIn(s)
		for _, at := range call.FindAllStringSubmatchIndex(s.code, -1) {
			if len(found) >= stackLimit {
				return found
			}
			c := creation{tree: t, source: s, new: at[2] >= 0, callee: strings.Join(strings.Fields(s.text[at[4]:at[5]]), ""), start: at[0]}
			if !c.makes() {
				continue
			}
			c.text = s.text[at[0]:closing(s.text, at[1]-1, at[1]+callLimit)]
			c.arguments = split(strings.TrimSuffix(c.text[at[1]-at[0]:], ")"), ',')
			if stack, ok := c.stack(apps); ok {
				found = append(found, stack)
			}
		}
	}
	return found
}

// appsIn returns the variables of a file that refer to an app.
func (t *tree) appsIn(s *source) map[string]bool {
	apps := map[string]bool{"app": true}
	for _, match := range assigned.FindAllStringSubmatch(s.code, -1) {
		if class := lastWord(match[2]); t.kindOf(class, s) == anApp {
			apps[match[1]] = true
		}
	}
	for _, match := range typed.FindAllStringSubmatch(s.code, -1) {
		apps[match[1]+match[2]+match[3]] = true
	}
	return apps
}

// creation is a call that may create a stack or a stage of the app.
type creation struct {
	*tree
	*source
	new       bool // written with `new`
	callee    string
	start     int // in the source
	text      string
	arguments []string
}

// makes reports whether a call has the form of a constructor.
func (c *creation) makes() bool {
	name := lastWord(c.callee)
	if c.language.new {
		return c.new || strings.HasSuffix(c.callee, ".Builder.create")
	}
	before := strings.TrimRight(c.source.text[max(0, c.start-12):c.start], " \t")
	if strings.HasSuffix(before, "def") || strings.HasSuffix(before, "class") || strings.HasSuffix(before, "func") {
		return false
	}
	return name[0] >= 'A' && name[0] <= 'Z' || c.classes[name] != nil
}

// class returns the class of the created object.
func (c *creation) class() string {
	return lastWord(strings.TrimSuffix(c.callee, ".Builder.create"))
}

// stack returns the created stack, if the call passes an app.
func (c *creation) stack(apps map[string]bool) (Stack, bool) {
	around := c.around()
	if len(c.arguments) == 0 || !c.isApp(keyword.ReplaceAllString(c.arguments[0], ""), apps, around) {
		return Stack{}, false
	}
	class := c.class()
	kind := c.kindOf(class, c.source)
	id := c.id(class)
	switch {
	case kind == anApp, kind == another && !c.holdsStacks(class), kind == unknown && id == "":
		return Stack{}, false
	case c.source.name == "Go" && around != nil && c.kindOf(around.name, c.source) == aStack:
		return Stack{}, false // the stack of such a function is read at its call
	}
	stack := Stack{Name: id, Path: c.home(class)}
	target := c.target()
	stack.Account = c.placed(target, accountText, givenAccount, accountID)
	stack.Region = c.placed(target, regionText, givenRegion, regionID)
	switch kind {
	case aStage, another: // stages have stages, too
		stack.Name += "/**"
	default:
		if match := stackName.FindStringSubmatch(c.text); match != nil && !strings.ContainsAny(match[1], "${%") {
			stack.Name = match[1]
		}
	}
	return stack, true
}

// isApp reports whether a call's first argument is an app.
func (c *creation) isApp(scope string, apps map[string]bool, around *class) bool {
	if scope == "this" || scope == "self" {
		return around != nil && c.kindOf(around.name, c.source) == anApp
	}
	return apps[strings.TrimPrefix(strings.TrimPrefix(scope, "this."), "self.")] || newApp.MatchString(scope)
}

// around returns the innermost class that contains the call, or nil.
func (c *creation) around() *class {
	var found *class
	for _, class := range c.own {
		if class.start < c.start && c.start < class.end {
			found = class
		}
	}
	return found
}

// holdsStacks reports whether a construct creates stacks.
func (c *creation) holdsStacks(class string) bool {
	definition := c.find(class, c.source)
	if definition == nil {
		return false
	}
	for _, match := range call.FindAllStringSubmatch(definition.source.code[definition.start:definition.end], -1) {
		if c.kindOf(lastWord(match[2]), definition.source) == aStack {
			return true
		}
	}
	return false
}

var (
	// super(scope, 'Api', …), super().__init__(scope, "Api", …), base(scope, "Api", …)
	ownID     = regexp.MustCompile("(?:\\b(?:super|base)\\s*\\(|__init__\\s*\\()\\s*(?:self\\s*,\\s*)?[\\w.]+\\s*,\\s*(?:id\\s*=\\s*)?(['\"`][^'\"`\\n]+['\"`])")
	defaultID = regexp.MustCompile(`\b(?:id|construct_id|id_)\s*(?::\s*\w+\s*)?=\s*(['"][^'"\n]+['"])`)
)

// id returns the construct's id, with `*` for unknown parts. If the call has none, its
// class may set one.
func (c *creation) id(class string) string {
	for _, argument := range c.arguments[1:] {
		if match := keyword.FindString(argument); match != "" && !strings.HasPrefix(match, "scope") {
			return c.value(strings.TrimPrefix(argument, match), c.source)
		}
	}
	if len(c.arguments) > 1 && isValue(c.arguments[1]) {
		return c.value(c.arguments[1], c.source)
	}
	definition := c.find(class, c.source)
	if definition == nil {
		return ""
	}
	for _, pattern := range []*regexp.Regexp{ownID, defaultID} {
		if match := pattern.FindStringSubmatch(definition.body()); match != nil {
			return c.value(match[1], definition.source)
		}
	}
	return "*"
}

// isValue reports whether an argument can be an id: it is not an object, a keyword
// argument, unpacked arguments or a builder of properties.
func isValue(argument string) bool {
	return !strings.ContainsAny(argument[:1], "{*[.") && !regexp.MustCompile(`^(?:\w+\s*=[^=]|(?:new\s+)?[\w.]*Props\b|null$|nil$|undefined$)`).MatchString(argument)
}

// home returns the file of a class or, if that is not in the app's folder, the file that
// creates the stack.
func (c *creation) home(class string) string {
	for _, s := range []*source{c.source} {
		if definition := c.find(class, s); definition != nil && c.inApp(definition.source.file) {
			return definition.source.file
		}
	}
	if file := c.importedName(class); file != "" && c.inApp(file) {
		return file
	}
	if c.inApp(c.file) {
		return c.file
	}
	return c.app
}

// inApp reports whether a stack with this path belongs to the app: no other
// cdk.json is nearer.
func (c *creation) inApp(file string) bool {
	for folder := path.Dir(file); ; folder = path.Dir(folder) {
		if folder == c.app {
			return true
		}
		if folder == "." || isApp(path.Join(c.top, folder)) {
			return false
		}
	}
}

var imported = regexp.MustCompile(`(?:\{([^{}]*)\}|([\w$]+))\s*(?:from\s*|=\s*require\s*\(\s*)['"](\.[^'"\n]*)['"]`)

// importedName returns the file that a name is imported from, for classes without a
// recognised definition.
func (c *creation) importedName(name string) string {
	word := regexp.MustCompile(`(?:^|[\s,])` + regexp.QuoteMeta(name) + `(?:[\s,]|$)`)
	for _, match := range imported.FindAllStringSubmatch(c.source.text, -1) {
		if word.MatchString(match[1] + match[2]) {
			return c.module(c.source, match[3])
		}
	}
	for _, match := range importedPython.FindAllStringSubmatch(c.source.text, -1) {
		if c.hash && word.MatchString(match[2]) {
			return c.pythonModule(c.source, match[1])
		}
	}
	return ""
}
