package awssim

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/awssim/bootstrap"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Bootstrap makes the simulator bootstrap accounts on demand: an account and region, under a
// qualifier, when a call first names a resource of that bootstrap.
type Bootstrap struct {
	// Trust is the account that may deploy to the others.
	Trust string
	// Done is called after each bootstrap; it may be nil.
	Done func(bootstrap.Environment)
}

// bootstraps records what this server has bootstrapped.
type bootstraps struct {
	mu    sync.Mutex
	known map[bootstrap.Environment]bool
}

// provide bootstraps what a call names first.
func (s *Server) provide(v *visit) error {
	if s.bootstrap == nil {
		return nil
	}
	call := bootstrap.Environment{Account: v.call.Caller.Account, Region: v.call.Region, Qualifier: bootstrap.DefaultQualifier}
	for _, text := range v.texts() {
		env, named := bootstrap.Named(text, call)
		if !named || !s.identity.HasAccount(env.Account) {
			continue
		}
		if err := s.bootstraps.first(env, func() error { return s.makeBootstrap(env, s.bootstrap.Trust) }); err != nil {
			return wire.Errorf("BootstrapFailed", "the simulator could not bootstrap account %s in %s (qualifier %s): %s",
				env.Account, env.Region, env.Qualifier, err)
		}
	}
	return nil
}

// texts are the parts of a call that may name resources.
func (v *visit) texts() []string {
	texts := []string{v.r.URL.Path, string(v.call.Body)}
	if v.call.Form != nil {
		texts = texts[:1]
		for _, values := range v.call.Form {
			texts = append(texts, values...)
		}
	}
	return texts
}

// first does the work once for an environment, and again if it failed.
func (b *bootstraps) first(env bootstrap.Environment, work func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[env] {
		return nil
	}
	if err := work(); err != nil {
		return err
	}
	if b.known == nil {
		b.known = map[bootstrap.Environment]bool{}
	}
	b.known[env] = true
	return nil
}

// MakeBootstrap bootstraps an account and region under a qualifier at once, for
// deployments from the account trust, as Options.Bootstrap does on first use.
// The account must exist.
func (s *Server) MakeBootstrap(account, region, qualifier, trust string) error {
	env := bootstrap.Environment{Account: account, Region: region, Qualifier: qualifier}
	if !s.identity.HasAccount(account) {
		return messagef("there is no account %s to bootstrap", account)
	}
	return s.makeBootstrap(env, trust)
}

// makeBootstrap deploys the bootstrap's stack, or lets one that an earlier
// server or the CDK CLI left trust the account that it should trust now.
func (s *Server) makeBootstrap(env bootstrap.Environment, trust string) error {
	scope := cloudformation.Scope{Account: env.Account, Region: env.Region, Partition: wire.Partition(env.Region)}
	found, exists, err := s.stacks.Settled(context.Background(), scope, env.StackName())
	if err != nil {
		return err
	}
	form := url.Values{"StackName": {env.StackName()}, "Capabilities.member.1": {"CAPABILITY_NAMED_IAM"}}
	operation := "UpdateStack"
	switch {
	case s.hasBootstrap(env) && (!exists || slices.Contains(strings.Split(found.Parameters["TrustedAccounts"], ","), trust)):
		return nil // without a stack of this name, one of another name made it
	case !exists:
		operation = "CreateStack"
		form.Set("OnFailure", "DELETE")
		form.Set("TemplateBody", bootstrap.Template())
		setParameters(form, map[string]string{
			"Qualifier": env.Qualifier, "TrustedAccounts": trust, "TrustedAccountsForLookup": trust,
			"CloudFormationExecutionPolicies": "arn:" + scope.Partition + ":iam::aws:policy/AdministratorAccess",
		})
	default:
		form.Set("UsePreviousTemplate", "true")
		for _, list := range []string{"TrustedAccounts", "TrustedAccountsForLookup"} {
			found.Parameters[list] = strings.TrimPrefix(found.Parameters[list]+","+trust, ",")
		}
		setParameters(form, found.Parameters)
	}
	if err := s.operate(scope, operation, form); err != nil {
		return err
	}
	if s.bootstrap != nil && s.bootstrap.Done != nil {
		s.bootstrap.Done(env)
	}
	return nil
}

func (s *Server) hasBootstrap(env bootstrap.Environment) bool {
	_, err := s.parameters.Get(wire.Place(env.Account, env.Region), env.Parameter())
	return err == nil
}

// operate runs an operation on a stack as the account's administrator, and
// waits for its end.
func (s *Server) operate(scope cloudformation.Scope, operation string, form url.Values) error {
	ctx := context.Background()
	caller := "arn:" + scope.Partition + ":iam::" + scope.Account + ":user/admin"
	if err := s.stacks.Call(ctx, cloudformation.Request{Scope: scope, Caller: caller, Operation: operation, Form: form}); err != nil {
		return err
	}
	s.ledger.touch()
	done, _, err := s.stacks.Settled(ctx, scope, form.Get("StackName"))
	if err == nil && done.Status != "CREATE_COMPLETE" && done.Status != "UPDATE_COMPLETE" {
		err = messagef("stack %s became %s: %s", form.Get("StackName"), done.Status, done.Reason)
	}
	return err
}

func setParameters(form url.Values, parameters map[string]string) {
	n := 0
	for name, value := range parameters {
		n++
		prefix := fmt.Sprintf("Parameters.member.%d.", n)
		form.Set(prefix+"ParameterKey", name)
		form.Set(prefix+"ParameterValue", value)
	}
}
