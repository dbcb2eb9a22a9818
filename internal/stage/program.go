package stage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Program is one binary: its stages and the store of their records.
type Program struct {
	Name   string
	Help   string // description; text indented by two spaces is printed verbatim
	Stages []Stage

	// Bucket opens the artifact bucket that stores the records of stages whose run
	// names a workflow and a step. Nil stores none.
	Bucket func(ctx context.Context, name string) (bucket.Bucket, error)
}

// Main runs the program with the arguments, environment and standard streams of the
// process, and returns the exit code.
func (p Program) Main() int {
	ctx, stop := SignalContext()
	defer stop()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a closed log must not keep the stage from stopping its commands
	return p.run(ctx, os.Args[1:], os.Stdout, os.Stderr, takeLog)
}

// Run runs the program with args and returns the exit code. Results go to stdout,
// everything else to stderr.
func (p Program) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return p.run(ctx, args, stdout, stderr, nil)
}

// run is Run with a function that is called before the stage starts; it may be nil.
// The function that it returns is called at the end.
func (p Program) run(ctx context.Context, args []string, stdout, stderr io.Writer, begin func(Frame) (end func())) int {
	call, exit, err := p.parse(args, stdout, stderr)
	if exit != nil {
		return *exit
	}
	if err != nil {
		usageError(stderr, p.Name, err)
		return ExitInvalid
	}
	return call.run(ctx, stdout, stderr, begin)
}

// common are the flags of every stage.
type common struct {
	Outputs   string `help:"Folder for the output files, one file an output." placeholder:"DIR" type:"path" group:"Every stage"`
	LogFormat string `help:"Format of the log on stderr: text, json, or auto (text on a terminal)." enum:"auto,text,json" default:"auto" group:"Every stage"`
	Workflow  string `help:"Name of the workflow run that this stage belongs to." group:"Every stage"`
	Step      string `help:"Name of the step in that workflow." group:"Every stage"`
	Records   string `help:"Bucket that keeps the run's records." placeholder:"BUCKET" group:"Every stage"`

	Commands       string `help:"Address of the server that runs the commands of the repository in a container of their own, as in a pod: commands serve. Without it they run as processes here." placeholder:"HOST:PORT" group:"Every stage"`
	CommandsSecret string `help:"File that keeps the secret of the server of --commands, for the next stage in the same pod; made if it does not exist." placeholder:"FILE" type:"path" group:"Every stage"`
}

// call is one stage with its parsed command line.
type call struct {
	program Program
	stage   Stage
	common  common
}

// parse parses the command line. exit is set for --help and version, which parse
// handles itself.
func (p Program) parse(args []string, stdout, stderr io.Writer) (c call, exit *int, err error) {
	c = call{program: p}
	args = spelled(args)
	if len(args) == 1 && args[0] == "version" {
		fmt.Fprintf(stdout, "%s %s\n", p.Name, Version())
		done := ExitDone
		return c, &done, nil
	}
	parsed, err := Parse(&c.common, args, stdout, stderr, p.options()...)
	if err != nil {
		return c, nil, err
	}
	if parsed == nil {
		done := ExitDone
		return c, &done, nil
	}
	if c.stage, err = p.find(parsed.Command()); err != nil {
		return c, nil, err
	}
	if err := checkDurations(parsed.Flags()); err != nil {
		return c, nil, err
	}
	return c, nil, c.stage.input.Validate()
}

// checkDurations rejects negative time limits.
func checkDurations(flags []*kong.Flag) error {
	for _, flag := range flags {
		if limit, is := flag.Target.Interface().(time.Duration); is && limit < 0 {
			return errs.Invalidf("--%s is %s, but must not be negative", flag.Name, limit)
		}
	}
	return nil
}

// Parse parses the command line of a program into cli, in the way of all programs.
// It returns nil after --help, which it prints.
func Parse(cli any, args []string, stdout, stderr io.Writer, options ...kong.Option) (parsed *kong.Context, err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case helpPrinted:
			parsed, err = nil, nil
		default:
			panic(reason)
		}
	}()
	parser, err := kong.New(cli, append(options,
		kong.Writers(stdout, stderr), kong.Exit(func(int) { panic(helpPrinted{}) }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110, NoExpandSubcommands: true}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("building the command line: %w", err)
	}
	return parser.Parse(spelled(args))
}

// helpPrinted carries kong's exit after --help up to Parse.
type helpPrinted struct{}

// spelled returns args with help and --version replaced by --help and version.
func spelled(args []string) []string {
	switch {
	case len(args) == 0:
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// options describes the command line: a program of one stage takes that
// stage's flags itself, one of several has a command for each.
func (p Program) options() []kong.Option {
	help, variables := p.Help, variables{}
	options := []kong.Option{
		kong.Name(p.Name), kong.DefaultEnvars(contract.EnvPrefix), kong.PostBuild(variables.leaveOutEmpty), kong.PostBuild(p.describe), kong.ValueFormatter(variables.help),
	}
	if p.single() {
		help += "\n\n" + detail(p.Stages[0].Help)
		options = append(options, kong.Embed(p.Stages[0].input))
	} else {
		for _, stage := range p.Stages {
			options = append(options, kong.DynamicCommand(stage.verb(), summary(stage.Help), "", stage.input))
		}
	}
	return append(options, kong.Description(help+"\n\n\""+p.Name+" --version\" prints the version."))
}

// describe sets the details of each command to the help text of its stage.
func (p Program) describe(k *kong.Kong) error {
	for _, node := range k.Model.Children {
		if stage, err := p.find(node.Name); err == nil {
			node.Detail = detail(stage.Help)
		}
	}
	return nil
}

func (p Program) single() bool { return len(p.Stages) == 1 }

func (p Program) find(verb string) (Stage, error) {
	for _, stage := range p.Stages {
		if p.single() || stage.verb() == verb {
			return stage, nil
		}
	}
	return Stage{}, errs.Invalidf("%s has no stage %q", p.Name, verb)
}

func usageError(stderr io.Writer, program string, err error) {
	printError(stderr, err, cmp.Or(errs.HintOf(err), program+" --help lists the flags and their environment variables"))
}

func printOutputs(w io.Writer, outputs map[string]string) {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(outputs) // fails only on a closed stdout
}

// FrameInputs returns the inputs that every stage accepts in addition to its own: the
// outputs folder, the log format, and the names of workflow and step.
func FrameInputs() []contract.Param { return contract.Of[common, struct{}]("stage").Inputs }
