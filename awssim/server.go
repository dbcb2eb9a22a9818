package awssim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/cloudcontrol"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/cloudtrail"
	"github.com/aphex/aphex-pipeline/awssim/cloudwatch"
	"github.com/aphex/aphex-pipeline/awssim/ec2"
	"github.com/aphex/aphex-pipeline/awssim/ecr"
	"github.com/aphex/aphex-pipeline/awssim/ecs"
	"github.com/aphex/aphex-pipeline/awssim/elbv2"
	"github.com/aphex/aphex-pipeline/awssim/iam"
	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/kms"
	"github.com/aphex/aphex-pipeline/awssim/lambda"
	"github.com/aphex/aphex-pipeline/awssim/logs"
	"github.com/aphex/aphex-pipeline/awssim/route53"
	"github.com/aphex/aphex-pipeline/awssim/s3"
	"github.com/aphex/aphex-pipeline/awssim/secretsmanager"
	"github.com/aphex/aphex-pipeline/awssim/sns"
	"github.com/aphex/aphex-pipeline/awssim/ssm"
	"github.com/aphex/aphex-pipeline/awssim/sts"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Server is the simulated cloud: an http.Handler, and a listener once started.
// It is safe for concurrent use.
type Server struct {
	clock     *Clock
	log       *slog.Logger
	address   string // to listen at
	dir       string
	temporary bool // the directory is removed at the end

	identity   *iam.Directory
	objects    *s3.Store
	parameters *ssm.Store
	secrets    *secretsmanager.Store
	metrics    *cloudwatch.Store
	alarms     *cloudwatch.Alarms
	topics     *sns.Store
	keys       *kms.Store
	logs       *logs.Store
	tasks      *ecs.Store
	trail      cloudtrail.Store
	registry   *ecr.Store
	images     *ecr.Distribution
	stacks     *cloudformation.Engine
	services   map[string]wire.Service

	bootstrap  *Bootstrap // nil: accounts do not bootstrap themselves
	bootstraps bootstraps

	faults  faults
	ledger  ledger
	decided atomic.Pointer[func(Decision)]
	saving  sync.Mutex

	http     *http.Server
	url      string
	stopSave context.CancelFunc
	saved    sync.WaitGroup
	closing  sync.Once
	closed   error // the error of closing
}

// New makes a server and loads the state of an earlier one from the directory.
func New(options Options) (*Server, error) {
	s := &Server{clock: options.Clock, log: options.Log, dir: options.Dir, address: options.Address, bootstrap: options.Bootstrap}
	if s.clock == nil {
		s.clock = NewClock()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "aphex-awssim-")
		if err != nil {
			return nil, fmt.Errorf("making the directory of the AWS simulator: %w", err)
		}
		s.dir, s.temporary = dir, true
	}
	if err := s.open(options); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the AWS simulator in %q: %w", s.dir, err), s.clear())
	}
	return s, nil
}

func (s *Server) open(options Options) error {
	store, err := s3.New(filepath.Join(s.dir, "s3"), s.clock.Now)
	if err != nil {
		return err
	}
	s.objects = store
	s.identity = iam.New(s.clock.Now)
	s.parameters = ssm.New(s.clock.Now)
	s.secrets = secretsmanager.New(s.clock.Now)
	s.metrics = cloudwatch.New(s.clock.Now)
	s.alarms = cloudwatch.NewAlarms(s.clock.Now, s.deployed, func() { s.stacks.Wake() })
	s.topics, s.keys = sns.New(s.deployed), &kms.Store{}
	s.logs, s.tasks = logs.New(s.clock.Now, s.deployed), ecs.New(s.deployed)
	s.registry = ecr.New(s.clock.Now)
	if s.images, err = s.registry.Distribution(filepath.Join(s.dir, "ecr"), s.ledger.touch); err != nil {
		return err
	}
	s.stacks = cloudformation.New(host{s}, options.Stacks)
	networks := ec2.New(s.deployed)
	s.services = map[string]wire.Service{}
	for _, service := range []wire.Service{
		sts.Tokens{Directory: s.identity}.Service(), s.identity.IAM(), s.objects.Service(), s.stacks.Service(), s.parameters.Service(), s.secrets.Service(), s.registry.Service(),
		cloudwatch.Service(s.metrics, s.alarms), s.topics.Service(), s.logs.Service(), s.tasks.Service(), s.trail.Service(), lambda.Functions{Deployed: s.deployed}.Service(),
		networks.Service(), elbv2.Balancers{Deployed: s.deployed, VPCOf: networks.VPCOf}.Service(), route53.Zones{Deployed: s.deployedAnywhere}.Service(),
		kms.Keys{Deployed: s.deployed, Signing: s.keys}.Service(), cloudcontrol.Resources{Deployed: s.deployed}.Service(),
	} {
		s.services[service.Name] = service
	}
	return s.load()
}

// deployed lists what the stacks of an account have in a region.
func (s *Server) deployed(account, region string, types ...string) []inventory.Resource {
	return s.stacks.Deployed(cloudformation.Scope{Account: account, Region: region, Partition: wire.Partition(region)}, types...)
}

// deployedAnywhere lists what they have in all regions.
func (s *Server) deployedAnywhere(account string, types ...string) []inventory.Resource {
	var found []inventory.Resource
	for _, scope := range s.stacks.Scopes(account) {
		found = append(found, s.stacks.Deployed(scope, types...)...)
	}
	return found
}

// Start listens, on a free port of the loopback interface unless the options
// set an address, and returns the URL for AWS_ENDPOINT_URL.
func (s *Server) Start() (url string, err error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return "", fmt.Errorf("starting the AWS simulator: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.registry.Listens(listener.Addr().String())
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: 30 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	go func() { _ = s.http.Serve(listener) }() // it ends with ErrServerClosed
	s.keepSaving()
	s.log.Info("the AWS simulator is listening; nothing here is real AWS", "url", s.url, "dir", s.dir)
	return s.url, nil
}

// URL returns the URL of Start.
func (s *Server) URL() string { return s.url }

// Clock returns the simulator's clock.
func (s *Server) Clock() *Clock { return s.clock }

// Stacks returns the CloudFormation engine, for scripted resource failures.
func (s *Server) Stacks() *cloudformation.Engine { return s.stacks }

// Metrics returns what was published to CloudWatch.
func (s *Server) Metrics() *cloudwatch.Store { return s.metrics }

// Logs returns the log groups of CloudWatch Logs.
func (s *Server) Logs() *logs.Store { return s.logs }

// Trail returns the history of CloudTrail.
func (s *Server) Trail() *cloudtrail.Store { return &s.trail }

// Tasks returns the stopped tasks of ECS.
func (s *Server) Tasks() *ecs.Store { return s.tasks }

// Keys returns the keys of KMS that sign.
func (s *Server) Keys() *kms.Store { return s.keys }

// Topics returns the topics of SNS with what was published to them.
func (s *Server) Topics() *sns.Store { return s.topics }

const shutdownTime = 2 * time.Second

// Close stops the server, interrupts running stack operations, and
// saves the state. Closing again does nothing.
func (s *Server) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Server) close() error {
	var stopped error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		if s.http.Shutdown(ctx) != nil { // a call that hangs is cut off
			stopped = s.http.Close()
		}
		s.stopSave()
		s.saved.Wait()
	}
	s.stacks.Close()
	return errors.Join(stopped, s.Save(), s.objects.Close(), s.clear())
}

// clear removes a temporary directory.
func (s *Server) clear() error {
	if !s.temporary {
		return nil
	}
	return os.RemoveAll(s.dir)
}

const greeting = "This is the AphexPipeline AWS simulator. Nothing here is real AWS.\n"

// ServeHTTP answers one API call, or a request to the registry of images.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "aphex-aws-simulator")
	if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.RawQuery == "" && r.Header.Get("Authorization") == "" {
		_, _ = io.WriteString(w, greeting) // a client that went away is its own problem
		return
	}
	if s.images.Serves(r) {
		s.images.ServeHTTP(w, r)
		return
	}
	s.dispatch(w, r)
}
