package assets

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// Access is the configuration of AWS clients: credentials, region, endpoint.
type Access = aws.Config

// Target is an account and region to publish to.
type Target struct {
	assembly.Placeholders
	// Assume assumes a role, in a region. A role without ARN is the role of the environment.
	Assume func(ctx context.Context, role assembly.Role, region string) (Access, error)
	// Require checks the version of the account's bootstrap.
	Require func(ctx context.Context, needs assembly.Bootstrap) error
}

// Options are how to publish.
type Options struct {
	Runner command.Runner // runs docker and the commands that build assets
	// Place returns the path at which the commands have a file of an assembly; nil is that of Runner.
	Place  func(path string) string
	AtOnce int           // number of assets to publish at once; 0 is 16
	Env    []string      // environment of docker and of the commands
	Out    io.Writer     // receives the output of the commands
	Limit  time.Duration // timeout of one command; 0 is an hour
	Temp   string        // folder for archives; "" is the system's
	Keep   bool          // replace no object that exists: a plan removes what it uploaded
	Notify func(Event)   // may be nil; called from many goroutines
	// Redactor masks the output of the commands, and receives each secret before it is used; nil is a new one.
	Redactor *redact.Redactor
	// Budget bounds what all assets together read of folders and upload, as many may name
	// one large file; what it leaves open is that of the workspace.
	Budget limits.Budget
	// Registries are those that builds of images log in to.
	Registries Registries
	// ImageBuilder builds the images; nil is docker.
	ImageBuilder ImageBuilder
	// Workspace is the folder of the repository, whose files an ImageBuilder may take as secrets; "" is none.
	Workspace string
}

// Event is one step of one asset.
type Event struct {
	Asset string // display name
	To    string // such as "s3://bucket/key" or "repository:tag"
	Step  Step
	Bytes int64 // size of what was uploaded
}

// Step is what happens to an asset.
type Step string

const (
	// Found is an asset that exists already.
	Found Step = "found"
	// Building is an asset that is being packed or built.
	Building Step = "building"
	// Uploading is an asset that is being uploaded.
	Uploading Step = "uploading"
	// Published is an asset that has been uploaded.
	Published Step = "published"
	// Failed is an asset that could not be published.
	Failed Step = "failed"
)

// Publisher publishes assets, each one once.
type Publisher struct {
	options  Options
	slots    chan struct{} // limits the assets in work
	flights  flights       // by destination
	archives flights       // by folder
	sources  flights       // digests, by folder
	buckets  flights       // by bucket and role
	logins   flights       // by registry
	images   flights       // builds, by local tag
	builds   flights       // of the ImageBuilder
	key      string        // no other publisher has it
	configs  flights       // docker's configurations for builds, by account and region

	loginFolder flights // one

	repositories flights // created ones, by name

	// what was read of folders to pack them and to compare them, and what was uploaded
	packed, hashed, sent *limits.Meter

	mu      sync.Mutex
	states  map[string]state // by destination
	uploads []uploaded       // oldest first
	folders []string         // configurations of docker to remove
}

// New returns a publisher.
func New(o Options) *Publisher {
	if o.AtOnce <= 0 {
		o.AtOnce = 16
	}
	if o.Limit == 0 {
		o.Limit = time.Hour
	}
	if o.Place == nil {
		o.Place = o.Runner.Place
	}
	if o.Notify == nil {
		o.Notify = func(Event) {}
	}
	if o.Redactor == nil {
		o.Redactor = redact.New()
	}
	o.Out = &lockedWriter{to: orDiscard(o.Out)}
	budget := func() *limits.Meter { return o.Budget.Or(limits.Workspace()).Meter(math.MaxInt64) }
	return &Publisher{options: o, slots: make(chan struct{}, o.AtOnce), key: rand.Text(), states: map[string]state{}, packed: budget(), hashed: budget(), sent: budget()}
}

// Publish publishes all assets of a manifest. After a failure it starts nothing
// new and finishes running uploads. It may be called from many goroutines.
func (p *Publisher) Publish(ctx context.Context, list *assembly.AssetManifest, to Target) error {
	if err := p.requireDocker(ctx, list, to); err != nil {
		return err
	}
	return p.each(ctx, "publish", list, to, func(ctx context.Context, file assembly.FileAsset, d assembly.FileDestination) error {
		return p.report(file.Name, p.publishFile(ctx, list, file, d, to))
	}, func(ctx context.Context, image assembly.ImageAsset, d assembly.ImageDestination) error {
		return p.report(image.Name, p.publishImage(ctx, list, image, d, to))
	})
}

// Check checks that a manifest can be published, and publishes nothing: each
// destination responds, and each asset that is not published has a source.
func (p *Publisher) Check(ctx context.Context, list *assembly.AssetManifest, to Target) error {
	return p.each(ctx, "check", list, to, func(ctx context.Context, file assembly.FileAsset, d assembly.FileDestination) error {
		_, there, err := p.findFile(ctx, file, d, to)
		if err == nil && !there && file.Missing != nil {
			err = missing(file.Name, file.Missing)
		}
		return err
	}, func(ctx context.Context, image assembly.ImageAsset, d assembly.ImageDestination) error {
		_, _, there, err := p.findImage(ctx, image, d, to)
		switch {
		case err != nil || there:
			return err
		case image.Missing != nil:
			return missing(image.Name, image.Missing)
		}
		return p.requireDocker(ctx, &assembly.AssetManifest{Images: []assembly.ImageAsset{image}}, to)
	})
}

// Build packs and builds the assets of a manifest that are not published, ahead of
// Publish.
func (p *Publisher) Build(ctx context.Context, list *assembly.AssetManifest, to Target) error {
	return p.each(ctx, "build", list, to, func(ctx context.Context, file assembly.FileAsset, d assembly.FileDestination) error {
		_, there, err := p.findFile(ctx, file, d, to)
		if err == nil && !there {
			_, err = p.pack(ctx, list, file)
		}
		return err
	}, func(ctx context.Context, image assembly.ImageAsset, d assembly.ImageDestination) error {
		client, uri, there, err := p.findImage(ctx, image, d, to)
		if err == nil && uri != "" && !there {
			err = p.maker(image).build(ctx, imageWork{client, uri, list, image, to})
		}
		return err
	})
}

// each calls a function for each asset of a manifest and each of its destinations,
// once per publisher.
func (p *Publisher) each(ctx context.Context, doing string, list *assembly.AssetManifest, to Target,
	withFile func(context.Context, assembly.FileAsset, assembly.FileDestination) error,
	withImage func(context.Context, assembly.ImageAsset, assembly.ImageDestination) error,
) error {
	if len(list.Files)+len(list.Images) == 0 {
		return nil
	}
	if err := to.Require(ctx, list.Bootstrap); err != nil {
		return err
	}
	if err := p.requireDocker(ctx, list, to); err != nil {
		return err
	}
	jobs := map[string]func(context.Context) error{}
	var nodes []schedule.Node
	add := func(key string, job func(context.Context) error) {
		if key = doing + " " + key; jobs[key] == nil {
			nodes = append(nodes, schedule.Node{Name: key})
		}
		jobs[key] = job
	}
	for _, file := range list.Files {
		for _, destination := range file.Destinations {
			d := resolveFile(destination, to)
			add(fileKey(d), func(ctx context.Context) error { return withFile(ctx, file, d) })
		}
	}
	for _, image := range list.Images {
		for _, destination := range image.Destinations {
			d := resolveImage(destination, to)
			add(imageKey(d), func(ctx context.Context) error { return withImage(ctx, image, d) })
		}
	}
	return p.runAll(ctx, nodes, jobs)
}

func fileKey(d assembly.FileDestination) string {
	return fmt.Sprintf("file s3://%s/%s %s %s", d.Bucket, d.Key, d.Region, d.Role.ARN)
}

func imageKey(d assembly.ImageDestination) string {
	return fmt.Sprintf("image %s:%s %s %s", d.Repository, d.Tag, d.Region, d.Role.ARN)
}

// report reports a failure of an asset, unless it was cancelled, and returns err.
func (p *Publisher) report(name string, err error) error {
	if err != nil && errs.KindOf(err) != errs.Cancelled {
		p.options.Notify(Event{Asset: name, Step: Failed})
	}
	return err
}

func (p *Publisher) runAll(ctx context.Context, nodes []schedule.Node, jobs map[string]func(context.Context) error) error {
	results := schedule.Run(ctx, p.options.AtOnce, nodes, func(ctx context.Context, key string) (struct{}, error) {
		_, err := p.flights.do(key, func() (string, error) {
			select {
			case p.slots <- struct{}{}:
				defer func() { <-p.slots }()
			case <-ctx.Done():
				return "", ctx.Err()
			}
			return "", jobs[key](ctx)
		})
		return struct{}{}, err
	})
	var failed []error
	for _, result := range results {
		failed = append(failed, result.Err)
	}
	if err := join(failed); err != nil {
		return err
	}
	return ctx.Err()
}

// join joins errors and returns a single one unchanged, with its kind and hint. Assets with
// one missing destination have one error.
func join(errs []error) error {
	var kept []error
	seen := map[string]bool{}
	for _, err := range errs {
		if err == nil {
			continue
		}
		said := err.Error()
		if missing := (*NoDestinationError)(nil); errors.As(err, &missing) {
			said = missing.Error() // the answer of AWS has the id of the request
		}
		if !seen[said] {
			kept = append(kept, err)
			seen[said] = true
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return errors.Join(kept...)
}

func resolveFile(d assembly.FileDestination, to Target) assembly.FileDestination {
	d.Region = orElse(to.Resolve(d.Region), to.Region)
	here := in(to, d.Region)
	d.Bucket, d.Key, d.Role = here.Resolve(d.Bucket), here.Resolve(d.Key), here.Role(d.Role)
	return d
}

func resolveImage(d assembly.ImageDestination, to Target) assembly.ImageDestination {
	d.Region = orElse(to.Resolve(d.Region), to.Region)
	here := in(to, d.Region)
	d.Repository, d.Tag, d.Role = here.Resolve(d.Repository), here.Resolve(d.Tag), here.Role(d.Role)
	return d
}

// in returns the placeholders for a destination in another region.
func in(to Target, region string) assembly.Placeholders {
	here := to.Placeholders
	here.Region = region
	return here
}

func orElse(text, other string) string {
	if strings.TrimSpace(text) == "" {
		return other
	}
	return text
}

// flights runs work once per key; concurrent and later callers get its result.
type flights struct {
	mu   sync.Mutex
	runs map[string]func() (string, error)
}

func (f *flights) do(key string, work func() (string, error)) (string, error) {
	f.mu.Lock()
	if f.runs == nil {
		f.runs = map[string]func() (string, error){}
	}
	run, known := f.runs[key]
	if !known {
		run = sync.OnceValues(work)
		f.runs[key] = run
	}
	f.mu.Unlock()
	return run()
}
