// Package textmodels keeps models for texts in the database, in the tables pgml.text_models, text_model_files and text_model_parts, so that all proxies of it share them. It puts models of a
// model folder there, in one transaction each, and lays them out again for models/text. Every file goes through in pieces of a megabyte, both ways, and is compared with its SHA-256.
package textmodels
