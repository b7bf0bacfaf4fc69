-- The metrics that PostgresML takes from scikit-learn, by the same definitions: what divides by zero is 0, averages are of the positive class
-- (1) for two classes and over all classes (macro) for more, scores use the labels as they are.

-- Both vectors side by side; scikit-learn refuses unequal lengths and NaN, and so do we.
CREATE OR REPLACE FUNCTION pgowl.metric_pairs(ground_truth real[], y_hat real[]) RETURNS TABLE (y double precision, p double precision)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 1000
AS $$
BEGIN
    IF cardinality(ground_truth) <> cardinality(y_hat) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('Found input variables with inconsistent numbers of samples: [%s, %s]',
            cardinality(ground_truth), cardinality(y_hat));
    ELSIF cardinality(y_hat) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'Found array with 0 sample(s) while a minimum of 1 is required.';
    ELSIF EXISTS (SELECT 1 FROM (SELECT unnest(ground_truth) AS a UNION ALL SELECT unnest(y_hat)) t
        WHERE a IS NULL OR a IN ('NaN', 'Infinity', '-Infinity')) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'Input contains NaN, infinity or a value too large.';
    END IF;
    RETURN QUERY SELECT unnest(ground_truth)::double precision, unnest(y_hat)::double precision;
END
$$;

CREATE OR REPLACE FUNCTION pgml.sklearn_regression_metrics(ground_truth real[], y_hat real[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mean double precision;
    residual double precision;
    total double precision;
    mae double precision;
    n bigint;
BEGIN
    SELECT avg(y), count(*), sum((y - p) * (y - p)), avg(abs(y - p)) INTO mean, n, residual, mae FROM pgowl.metric_pairs(ground_truth, y_hat);
    total := (SELECT sum((y - mean) * (y - mean)) FROM (SELECT unnest(ground_truth)::double precision AS y) t);
    RETURN jsonb_build_object(
        -- of one sample r2 is not defined: NULL, as NaN has no JSON
        'r2', CASE WHEN n < 2 THEN NULL WHEN total > 0 THEN 1 - residual / total WHEN residual = 0 THEN 1.0 ELSE 0.0 END,
        'mse', residual / n, 'mae', mae);
END
$$;

CREATE OR REPLACE FUNCTION pgml.sklearn_r2_score(ground_truth real[], y_hat real[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN coalesce((pgml.sklearn_regression_metrics(ground_truth, y_hat)->>'r2')::real, 'NaN'); END $$;

CREATE OR REPLACE FUNCTION pgml.sklearn_classification_metrics(ground_truth real[], y_hat real[], num_classes bigint) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    many boolean;
    n double precision;
    correct double precision;
    f1 double precision;
    "precision" double precision;
    recall double precision;
    mcc double precision;
    result jsonb;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE y = p) INTO n, correct FROM pgowl.metric_pairs(ground_truth, y_hat);
    many := num_classes > 2 OR (SELECT count(DISTINCT label) > 2 FROM (SELECT unnest(ground_truth) AS label UNION ALL SELECT unnest(y_hat)) l);
    -- One row a class: how often it was the truth (t), was predicted (h), and both (tp). mcc is Matthews's for any number of classes.
    WITH pair AS (
        SELECT unnest(ground_truth) AS y, unnest(y_hat) AS p
    ), class AS (
        SELECT label, coalesce(sum(t), 0)::double precision AS t, coalesce(sum(h), 0)::double precision AS h,
            coalesce(sum(tp), 0)::double precision AS tp
        FROM (SELECT y AS label, 1 AS t, 0 AS h, (y = p)::integer AS tp FROM pair UNION ALL SELECT p, 0, 1, 0 FROM pair) c
        GROUP BY label
    ), total AS (
        SELECT sum(t * h) AS th, sum(t * t) AS tt, sum(h * h) AS hh FROM class
    )
    SELECT coalesce(avg(2 * tp / (t + h)), 0), coalesce(avg(coalesce(tp / nullif(h, 0), 0)), 0), coalesce(avg(coalesce(tp / nullif(t, 0), 0)), 0),
        (SELECT coalesce((correct * n - th) / nullif(sqrt((n * n - hh) * (n * n - tt)), 0), 0) FROM total)
    INTO f1, "precision", recall, mcc
    FROM class WHERE many OR label = 1;
    result := jsonb_build_object('f1', f1, 'f1_micro', correct / n, 'precision', "precision", 'recall', recall, 'accuracy', correct / n, 'mcc', mcc);
    IF num_classes = 2 THEN
        -- With hard labels the curve has one corner: the mean of both classes' recall. The higher label is the positive one.
        result := result || jsonb_build_object('roc_auc', (
            SELECT CASE WHEN count(DISTINCT y) = 2 THEN
                    (SELECT (sum(CASE WHEN a.p > b.p THEN 1.0 WHEN a.p = b.p THEN 0.5 ELSE 0 END * a.n * b.n) / sum(a.n * b.n))::double precision
                    FROM (SELECT u.p, count(*) AS n FROM (SELECT unnest(ground_truth) AS y, unnest(y_hat) AS p) u WHERE u.y = max(t.y) GROUP BY u.p) a,
                        (SELECT u.p, count(*) AS n FROM (SELECT unnest(ground_truth) AS y, unnest(y_hat) AS p) u WHERE u.y = min(t.y) GROUP BY u.p) b)
                END
            FROM (SELECT unnest(ground_truth) AS y) t));
    END IF;
    RETURN result;
END
$$;

CREATE OR REPLACE FUNCTION pgml.sklearn_f1_score(ground_truth real[], y_hat real[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(DISTINCT label) > 2 FROM (SELECT unnest(ground_truth) AS label UNION ALL SELECT unnest(y_hat)) l) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'Target is multiclass but average=''binary''. Please choose another average setting.',
            HINT = 'pgml.sklearn_classification_metrics averages over the classes.';
    END IF;
    RETURN (pgml.sklearn_classification_metrics(ground_truth, y_hat, 0)->>'f1')::real;
END
$$;
