// Command manifests checks Kubernetes manifests against the types of Kubernetes' own
// API: an unknown field, or a value of the wrong kind, is an error. It is a module of
// its own, so that the worker's does not depend on these types.
package main

import (
	"bytes"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// kinds are those that are known, as apiVersion and kind name them.
var kinds = map[string]func() any{
	"apps/v1 Deployment": func() any { return &appsv1.Deployment{} },
	"v1 ConfigMap":       func() any { return &corev1.ConfigMap{} },
	"v1 Secret":          func() any { return &corev1.Secret{} },
}

func main() {
	faulty := false
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			faulty = true
		}
	}
	if faulty {
		os.Exit(1)
	}
}

// check checks every document of a file.
func check(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a manifest: %w", err)
	}
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			return fmt.Errorf("reading what kind it is of: %w", err)
		}
		make, known := kinds[head.APIVersion+" "+head.Kind]
		if !known {
			return fmt.Errorf("%q of %q is no kind that is checked here: add it", head.Kind, head.APIVersion)
		}
		if err := yaml.UnmarshalStrict(document, make()); err != nil {
			return fmt.Errorf("a %s: %w", head.Kind, err)
		}
	}
	return nil
}
