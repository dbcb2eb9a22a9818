package main

import (
	"encoding/json"
	"errors"
	"reflect"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Request is a pipeline to render.
type Request struct {
	Configuration string `json:"configuration"` // text of the configuration, YAML or JSON
	File          string `json:"file"`          // its name in problems
	Path          string `json:"path"`          // of the configuration file in the repository
	Account       string `json:"account"`       // of the pipeline itself
	Region        string `json:"region"`        // of the pipeline itself
	Images        string `json:"images"`        // REGISTRY[:TAG] of the pipeline's own stages; "" for those of the release
	Release       string `json:"release"`       // version of the npm package
	Committed     string `json:"committed"`     // text of the repository's configuration file, to compare with; "" if there is none

	Contracts plan.Stages `json:"contracts"` // of the stages, as construct/contracts writes them
}

// Answer is a rendered pipeline, or what is wrong with its configuration.
type Answer struct {
	Template json.RawMessage  `json:"template,omitempty"` // CloudFormation template of the AWS side
	Objects  json.RawMessage  `json:"objects,omitempty"`  // list of Kubernetes objects, each after those that it refers to
	Names    *Names           `json:"names,omitempty"`
	Metrics  bool             `json:"metrics,omitempty"`  // whether runs publish metrics
	Differs  bool             `json:"differs,omitempty"`  // whether the committed configuration declares another pipeline
	Problems []config.Problem `json:"problems,omitempty"` // of the configuration
	Error    string           `json:"error,omitempty"`    // with all problems, as generator prints them
	Hint     string           `json:"hint,omitempty"`     // how to fix the error
}

// Names are the names by which the construct refers to the pipeline.
type Names struct {
	Pipeline      string        `json:"pipeline"` // its identity, as label and tag
	Cluster       string        `json:"cluster"`
	Exports       infra.Cluster `json:"exports"` // names of CloudFormation's exports of the cluster
	Stack         string        `json:"stack"`   // that generator bootstrap creates
	Bucket        string        `json:"bucket"`
	Secret        string        `json:"secret"`        // of the webhook, in Secrets Manager
	WebhookSecret string        `json:"webhookSecret"` // Kubernetes Secret with a copy of it
	SecretKey     string        `json:"secretKey"`     // its key
	Namespace     string        `json:"namespace"`     // of that Secret
	Template      string        `json:"template"`      // of the workflow, without its version
	PipelineStack string        `json:"pipelineStack"` // that runs deploy; "" if there is none
}

// Render renders the pipeline of a request.
func Render(r Request) (*Answer, error) {
	cfg, err := config.Parse(r.File, []byte(r.Configuration))
	if err != nil {
		return nil, err
	}
	if err := cfg.RequireCluster(); err != nil {
		return nil, err
	}
	place := plan.PlaceOf(cfg, r.Account, r.Region, r.Path)
	if place.Images, err = plan.ImagesOf(cfg, r.Images, r.Release); err != nil {
		return nil, err
	}
	if err := place.Images.Check(cfg); err != nil {
		return nil, err
	}
	answer, err := render(cfg, r.Contracts, place)
	if err != nil {
		return nil, err
	}
	answer.Differs = r.Committed != "" && differs(cfg, r.Committed)
	return answer, nil
}

// differs reports whether a committed configuration declares another pipeline than cfg. An
// invalid one does.
func differs(cfg *config.Config, committed string) bool {
	other, err := config.Parse(config.File, []byte(committed))
	return err != nil || !reflect.DeepEqual(cfg, other)
}

func render(cfg *config.Config, stages plan.Stages, place plan.Place) (*Answer, error) {
	template, err := infra.Template(cfg, place)
	if err != nil {
		return nil, err
	}
	objects, err := argo.Render(cfg, stages, place)
	if err != nil {
		return nil, err
	}
	list, err := manifest.List(objects)
	if err != nil {
		return nil, err
	}
	return &Answer{Template: template, Objects: list, Names: namesOf(cfg, place), Metrics: cfg.Metrics}, nil
}

func namesOf(cfg *config.Config, place plan.Place) *Names {
	names := plan.NamesOf(cfg, place)
	own := ""
	if cfg.PipelineStack != nil {
		own = cfg.PipelineStack.Name
	}
	return &Names{
		PipelineStack: own,
		Pipeline:      names.Pipeline, Cluster: cfg.ClusterName, Exports: infra.Exports(cfg.ClusterExportPrefix), Stack: names.Stack,
		Bucket: place.Bucket, Secret: names.Secret, WebhookSecret: names.WebhookSecret, SecretKey: plan.WebhookSecretKey,
		Namespace: cfg.ArgoEventsNamespace, Template: cfg.WorkflowTemplateName,
	}
}

// refusal is the answer to a request that cannot be rendered.
func refusal(err error) *Answer {
	answer := &Answer{Error: err.Error(), Hint: errs.HintOf(err)}
	var problems config.Problems
	if errors.As(err, &problems) {
		answer.Problems = problems
	}
	return answer
}
