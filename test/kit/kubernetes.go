package kit

import (
	"os"
	"path/filepath"
	"testing"
)

// schemas is the version of the Python package that carries the schemas of Kubernetes;
// test/run installs it, and nothing of its code is used.
const schemas = "1.37.0"

// KubernetesSchemas are folders with the strict JSON schemas of an old and of a new
// Kubernetes, one file for each kind.
func KubernetesSchemas(t testing.TB) (folders []string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1.30.0", "v1.37.0"} {
		folder := filepath.Join(cache, "chanmqttproxy", "kubernetes-"+schemas, "kubernetes_validate", "kubernetes-json-schema", version+"-local-strict")
		if _, err := os.Stat(folder); err != nil {
			Missing(t, "no schemas of Kubernetes: run test/run, which installs them (%v)", err)
		}
		folders = append(folders, folder)
	}
	return folders
}
