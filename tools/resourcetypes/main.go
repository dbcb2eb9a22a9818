// Command resourcetypes writes what the product and the simulator know of CloudFormation's resource types.
//
// It comes from the npm package @aws-cdk/aws-service-spec (Apache-2.0), which collects what AWS publishes of its
// types; the files are of 0.1.216. To update them, from the folder tools:
//
//	npm pack @aws-cdk/aws-service-spec@VERSION && tar xzf aws-cdk-aws-service-spec-*.tgz
//	go run ./resourcetypes package/db.json.gz
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: resourcetypes db.json.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "resourcetypes:", err)
		os.Exit(1)
	}
}

func run(from string) error {
	db, err := read(from)
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	for to, text := range map[string]func() ([]byte, error){
		"../internal/deploy/diff/types.json.gz":         db.kinds,
		"../awssim/cloudformation/kinds/types.jsonl.gz": db.lines,
	} {
		if err := write(to, text); err != nil {
			return fmt.Errorf("writing %s: %w", to, err)
		}
	}
	return nil
}

func write(to string, text func() ([]byte, error)) error {
	content, err := text()
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, packed.Bytes(), 0o644)
}

// database is the part of the package's file that is used.
type database struct {
	Schema struct {
		Resource       struct{ Entities []resource }
		TypeDefinition struct{ Entities []resource }
	}
}

type resource struct {
	ID                string `json:"$id"`
	Type              string `json:"cloudFormationType"`
	IsStateful        bool
	PrimaryIdentifier []string
	CfnRefIdentifier  []string
	ArnTemplate       string
	TagInformation    struct{ TagPropertyName string }
	Properties        map[string]property
	Attributes        map[string]property
}

type property struct {
	Type              valueType
	PreviousTypes     []valueType
	Required          bool
	CausesReplacement string
}

type valueType struct {
	Type      string
	Element   *valueType
	Types     []valueType
	Reference struct {
		Ref string `json:"$ref"`
	}
}

func read(path string) (*database, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	db := &database{}
	return db, json.NewDecoder(r).Decode(db)
}
