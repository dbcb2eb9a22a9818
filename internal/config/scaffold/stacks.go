package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
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
	files := t.ofOneApp(entries)
	found := t.stacksOf(files)
	if found == nil {
		files, found = t.files, t.stacksOf(t.files)
	}
	if found != nil {
		found = slices.Concat(t.staging(files), found)
	}
	return distinct(found)
}

// distinct names stacks by their ids where several have one name: in CloudFormation
// they are in different regions or accounts, and an id is unique in its app.
func distinct(stacks []Stack) []Stack {
	ids := map[string]map[string]bool{}
	for _, stack := range stacks {
		if ids[stack.Name] == nil {
			ids[stack.Name] = map[string]bool{}
		}
		ids[stack.Name][stack.id] = true
	}
	for i, stack := range stacks {
		if stack.id != "" && (len(ids[stack.Name]) > 1 || stack.id != "*" && strings.Contains(stack.id, "*")) {
			stacks[i].Name = stack.id
		}
	}
	return stacks
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
		var open []*class // classes that contain the call
		next := 0
		for _, at := range call.FindAllStringSubmatchIndex(s.code, -1) {
			if len(found) >= stackLimit {
				return found
			}
			for ; next < len(s.own) && s.own[next].start < at[0]; next++ {
				open = append(open, s.own[next])
			}
			for len(open) > 0 && open[len(open)-1].end <= at[0] {
				open = open[:len(open)-1]
			}
			c := creation{tree: t, source: s, new: at[2] >= 0, callee: strings.Join(strings.Fields(s.text[at[4]:at[5]]), ""), start: at[0]}
			if len(open) > 0 {
				c.around = open[len(open)-1]
			}
			if !c.makes() {
				continue
			}
			c.text = s.text[at[0]:s.endOfCall(at[1]-1)]
			t.steps += len(c.text)
			c.arguments = split(strings.TrimSuffix(c.text[at[1]-at[0]:], ")"), ',')
			if stack, ok := c.stack(apps); ok {
				found = append(found, stack)
			}
		}
	}
	return found
}

// unendedCallLimit is how much of an unterminated call is read, in bytes.
const unendedCallLimit = 1 << 10

// endOfCall returns the offset after the call whose bracket is at open, or the limit.
func (s *source) endOfCall(open int) int {
	end, closed := s.brackets[open]
	if !closed {
		return min(len(s.text), open+unendedCallLimit)
	}
	return min(end, open+callLimit)
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
	start     int    // in the source
	around    *class // innermost class that contains the call, or nil
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
	if len(c.arguments) == 0 || !c.isApp(keyword.ReplaceAllString(c.arguments[0], ""), apps) {
		return Stack{}, false
	}
	class := c.class()
	kind := c.kindOf(class, c.source)
	id := c.id(class)
	switch {
	case kind == anApp, kind == another && !c.holdsStacks(class), kind == unknown && id == "":
		return Stack{}, false
	case c.source.name == "Go" && c.around != nil && c.kindOf(c.around.name, c.source) == aStack:
		return Stack{}, false // the stack of such a function is read at its call
	}
	stack := Stack{Name: id, Path: c.home(class)}
	target := c.target()
	stack.Account = c.placed(target, accountText, givenAccount, accountID)
	stack.Region = c.placed(target, regionText, givenRegion, regionID)
	if stack.Region == "" {
		stack.regions = c.regions(target)
	}
	switch kind {
	case aStage, another: // stages have stages, too
		stack.Name += "/**"
	default:
		if match := stackName.FindStringSubmatch(c.text); match != nil && !strings.ContainsAny(match[1], "${%") {
			stack.Name, stack.id = match[1], id
		}
	}
	return stack, true
}

// isApp reports whether a call's first argument is an app.
func (c *creation) isApp(scope string, apps map[string]bool) bool {
	if scope == "this" || scope == "self" {
		return c.around != nil && c.kindOf(c.around.name, c.source) == anApp
	}
	return apps[strings.TrimPrefix(strings.TrimPrefix(scope, "this."), "self.")] || newApp.MatchString(scope)
}

// holdsStacks reports whether a construct creates stacks.
func (c *creation) holdsStacks(class string) bool {
	definition := c.find(class, c.source)
	if definition == nil {
		return false
	}
	return once(c.holders, definition, c.findStacksIn)
}

// once returns what find returns for a class, and calls it at most once for each.
func once[T any](known map[*class]T, definition *class, find func(*class) T) T {
	found, ok := known[definition]
	if !ok {
		found = find(definition)
		known[definition] = found
	}
	return found
}

func (c *creation) findStacksIn(definition *class) bool {
	c.steps += definition.end - definition.start
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
	return once(c.ids, definition, c.ownID)
}

// ownID returns the id that a class sets itself, or "*".
func (t *tree) ownID(definition *class) string {
	t.steps += definition.end - definition.start
	for _, pattern := range []*regexp.Regexp{ownID, defaultID} {
		if match := pattern.FindStringSubmatch(definition.body()); match != nil {
			return t.value(match[1], definition.source)
		}
	}
	return "*"
}

// isValue reports whether an argument can be an id: it is not empty, an object, a keyword
// argument, unpacked arguments or a builder of properties.
func isValue(argument string) bool {
	return argument != "" && !strings.ContainsAny(argument[:1], "{*[.") && !noValue.MatchString(argument)
}

var noValue = regexp.MustCompile(`^(?:\w+\s*=[^=]|(?:new\s+)?[\w.]*Props\b|null$|nil$|undefined$)`)

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
	names, known := c.names[c.source]
	if !known {
		names = c.namesImportedBy(c.source)
		c.names[c.source] = names
	}
	return names[name]
}

// namesImportedBy returns the files that the names of a file are imported from.
func (t *tree) namesImportedBy(s *source) map[string]string {
	t.steps += len(s.text)
	names := map[string]string{}
	add := func(list, file string) {
		for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			if _, known := names[name]; !known {
				names[name] = file
			}
		}
	}
	for _, match := range imported.FindAllStringSubmatch(s.text, -1) {
		add(match[1]+match[2], t.module(s, match[3]))
	}
	if s.hash {
		for _, match := range importedPython.FindAllStringSubmatch(s.text, -1) {
			add(match[2], t.pythonModule(s, match[1]))
		}
	}
	return names
}
