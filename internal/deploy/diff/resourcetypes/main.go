// Command resourcetypes writes what package diff knows of CloudFormation's resource
// types: the properties whose change replaces a resource, and which types keep data.
//
// Both come from the npm package @aws-cdk/aws-service-spec (Apache-2.0), which collects
// what AWS publishes of its types; the file here is of 0.1.216. To update it, from this
// folder:
//
//	npm pack @aws-cdk/aws-service-spec@VERSION && tar xzf aws-cdk-aws-service-spec-*.tgz
//	go run . package/db.json.gz ../types.json.gz
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: resourcetypes db.json.gz types.json.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "resourcetypes:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	all, err := read(from)
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	text, err := json.Marshal(all) // sorted by type
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, packed.Bytes(), 0o644)
}

// kind is a type as package diff reads it.
type kind struct {
	Replace    []string `json:"replace,omitempty"`
	MayReplace []string `json:"mayReplace,omitempty"`
	Stateful   bool     `json:"stateful,omitempty"`
}

func read(path string) (map[string]kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var db struct {
		Schema struct {
			Resource struct {
				Entities []struct {
					Type       string `json:"cloudFormationType"`
					IsStateful bool
					Properties map[string]struct{ CausesReplacement string }
				}
			}
		}
	}
	if err := json.NewDecoder(r).Decode(&db); err != nil {
		return nil, err
	}
	all := map[string]kind{}
	for _, resource := range db.Schema.Resource.Entities {
		k := kind{Stateful: resource.IsStateful}
		for _, name := range slices.Sorted(maps.Keys(resource.Properties)) {
			switch resource.Properties[name].CausesReplacement {
			case "yes":
				k.Replace = append(k.Replace, name)
			case "maybe":
				k.MayReplace = append(k.MayReplace, name)
			}
		}
		if k.Stateful || k.Replace != nil || k.MayReplace != nil {
			all[resource.Type] = k
		}
	}
	return all, nil
}
