package main

import (
	"math/rand/v2"
	"strings"
)

// longTexts is how many headlines there are to a long text, and longTitles how many headlines make one.
const (
	longTexts  = 24
	longTitles = 17
)

// embedTexts gives n texts: headlines of some 13 tokens, from a file of titles or made up, and behind them one for each 24 that is made of 17, some 220 tokens. The same
// texts each time.
func embedTexts(path string, n int) ([]string, error) {
	short := max(1, n*longTexts/(longTexts+1))
	var titles []string
	if path == "" {
		titles = headlines(short)
	} else {
		rows, err := readTitles(path)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			titles = append(titles, r[1].(string))
		}
	}
	texts := make([]string, 0, n)
	for i := range n {
		if i < short {
			texts = append(texts, titles[i%len(titles)])
			continue
		}
		var parts []string
		for j := range longTitles {
			parts = append(parts, titles[(i*longTitles+j)%len(titles)])
		}
		texts = append(texts, strings.Join(parts, ". "))
	}
	return texts, nil
}

// headlines makes up n that differ, of the length that headlines have.
func headlines(n int) []string {
	dice := rand.New(rand.NewPCG(7, 24))
	pick := func(words ...string) string { return words[dice.IntN(len(words))] }
	list := make([]string, n)
	for i := range list {
		who := pick("scientists", "the mayor of Boston", "two brothers", "a retired teacher", "the central bank", "voters", "NASA", "your cat", "farmers in Peru", "the orchestra")
		what := pick("discover", "sells", "reject", "rebuilds", "warn of", "celebrates", "photograph", "postpones", "investigate", "finally explains")
		which := pick("a hidden", "the oldest", "an unusual", "their own", "a cheaper", "the world's largest", "one more", "a controversial", "the missing", "an abandoned")
		thing := pick("observatory", "railway bridge", "chocolate recipe", "pension reform", "parking garage", "peace agreement", "species of beetle", "wedding dress", "data centre", "wind farm")
		when := pick("", " after years of silence", " before the election", " despite heavy rain", ", study says", " in record time", " and nobody noticed", ", again")
		list[i] = strings.ToUpper(who[:1]) + who[1:] + " " + what + " " + which + " " + thing + when
		if i%3 == 0 {
			list[i] = pick("17 reasons why ", "What happens when ", "Live: ", "Here is how ", "Photos: ") + list[i]
		}
	}
	return list
}
