// Command setup brings what building, running and testing PgOwl need onto a machine, each into its default place, and keeps
// what is there: the machine's packages (apt), ONNX Runtime's library, the demo's model, with -openvino OpenVINO's, with -tests other languages' Postgres
// clients and a Postgres with pgvector, with -servers other versions of Postgres, and with -bench PgBouncer and the libraries that the
// training engines and the embeddings are compared with. It talks to registries through their own clients alone, with whatever configuration these have.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/integration/child"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

// run does the set-up, or with -env only prints the places as shell assignments.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	tests := flags.Bool("tests", false, "also what the tests need: Postgres clients of Python, Node.js and Java, and a Postgres with pgvector")
	bench := flags.Bool("bench", false, "also what the benchmarks compare with: PgBouncer, Python with scikit-learn, xgboost, lightgbm, catboost and tokenizers, another with onnxruntime, openvino and fastembed, one with sentence-transformers (6 GB), and the model in their forms")
	justReferences := flags.Bool("references", false, "also that Python alone")
	vino := flags.Bool("openvino", false, "also OpenVINO, for text models in bfloat16 on the processors; -tests and -bench bring it as well")
	models := flags.Bool("models", false, "also more models, for make test-models")
	servers := flags.Bool("servers", false, "also a Postgres server of each major version, for make test-versions")
	env := flags.Bool("env", false, "only print the places, as shell assignments")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// The same defaults as the program that is set up.
	c, err := conf.Load([]string{"serve"}, child.WithoutPrefix(os.Environ(), benchPrefix))
	if err != nil {
		return err
	}
	if *env {
		return printEnv(c, *bench || *justReferences)
	}
	if err := openRootFolder("/"); err != nil {
		return err
	}
	missing := missingParts(c)
	missing.vino = (*vino || vinoFetchable() && (*tests || *bench)) && c.OpenVINO == "" && !vinoInstalled(vinoFolder(c))
	missing.bouncer, missing.references = *bench, *bench || *justReferences
	weightsDir := ""
	if *tests || *models {
		weightsDir = filepath.Join(testModelFolder(c), modelName)
		missing.model = missing.model || !weightsInstalled(weightsDir) || *models && !testModelsInstalled(testModelFolder(c))
	}
	missing.model = missing.model || *bench && !formsInstalled(formFolder(c))
	if err := installPackages(ctx, *tests || *servers, missing); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		return fmt.Errorf("data folder: %w (choose another one by PGOWL_DATA)", err)
	}
	if c.ONNXRuntime == "" {
		if err := installRuntime(ctx, filepath.Join(c.Data, "onnxruntime")); err != nil {
			return err
		}
	}
	if missing.vino {
		if err := installVino(ctx, vinoFolder(c)); err != nil {
			return err
		}
	}
	if err := installModel(ctx, filepath.Join(c.Models, modelName), weightsDir); err != nil {
		return err
	}
	if *models {
		if err := installTestModels(ctx, testModelFolder(c)); err != nil {
			return err
		}
	}
	if *tests {
		if err := installClients(ctx, clientFolder(c)); err != nil {
			return err
		}
		if err := installPgvector(ctx, pgvectorFolder(c)); err != nil {
			return err
		}
	}
	if missing.references {
		if err := installEnvironment(ctx, referenceFolder(c), references); err != nil {
			return err
		}
	}
	if *bench {
		if err := installEmbedders(ctx, c); err != nil {
			return err
		}
	}
	if *servers {
		return installServers(ctx, serverFolder(c))
	}
	return nil
}

// benchPrefix begins the names of the benchmarks' settings. The program knows none of them and refuses to start with one.
const benchPrefix = "PGOWL_BENCH_"

// printEnv prints the places; those of the benchmarks only if they are asked for, since a shell that has these cannot start the program.
func printEnv(c conf.Config, bench bool) error {
	library := c.ONNXRuntime
	if library == "" {
		library = runtimeFile(filepath.Join(c.Data, "onnxruntime"))
	}
	vino := c.OpenVINO
	if vino == "" {
		vino = vinoFile(vinoFolder(c))
	}
	places := [][2]string{
		{"PGOWL_DATA", c.Data}, {"PGOWL_MODELS", c.Models}, {"PGOWL_ONNXRUNTIME", library}, {"PGOWL_OPENVINO", vino},
		{"CLIENT_PYTHON", filepath.Join(clientFolder(c), "python", "bin", "python")},
		{"CLIENT_NODE_MODULES", filepath.Join(clientFolder(c), "node", "node_modules")},
		{"CLIENT_SOURCES", filepath.Join(clientFolder(c), "sources")},
		{"CLIENT_JARS", filepath.Join(clientFolder(c), "jars")},
		{"PGTEST_SERVERS", serverFolder(c)}, {"PGTEST_PGVECTOR", pgvectorPrograms(c)},
		{"TEST_MODELS", testModelFolder(c)},
	}
	if bench {
		for name, place := range map[string]string{
			"PYTHON": pythonIn(referenceFolder(c)), "EMBEDDERS": pythonIn(embedderFolder(c)), "TORCH": pythonIn(torchFolder(c)), "MODELS": formFolder(c),
		} {
			if os.Getenv(benchPrefix+name) == "" {
				places = append(places, [2]string{benchPrefix + name, place})
			}
		}
	}
	for _, v := range places {
		fmt.Printf("export %s=%s\n", v[0], shellQuote(v[1]))
	}
	return nil
}

func clientFolder(c conf.Config) string { return filepath.Join(c.Data, "clients") }
