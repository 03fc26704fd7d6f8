"""Train, test beside baselines, predict and draw: everything that a YAML file describes."""

USAGE = """usage: dlkit run CONFIG.yaml [--key value ...]
       dlkit run --resume RUN
       dlkit run --into RUN

Looks at the data and stops where they are wrong (docs/check.md; --check false goes on), splits, normalizes, trains,
tests beside baselines (repeat-last and seasonal-naive of forecasts, the shares of the classes, mean, median and last
value of values), says how sure its answers are and whether the test bears that out (docs/confidence.md; --confidence
null leaves it out), predicts and draws; leaves one run folder. Where there are several sources, each of them alone is
trained and tested too, unless --alone false. --into RUN does all this in a folder with a config.yaml, going on where an
earlier try was cut off. Any setting can be overridden: --trainer.max_epochs 3 --data.init_args.batch_size 64
--model configs/model/dlinear.yaml; `--print_config` prints the whole configuration and stops."""


def main(arguments: list[str]) -> None:
    """Run all stages."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from dlkit.ensembles.beside import train_beside
    from dlkit.train import stages
    from dlkit.train.align import aligning
    from dlkit.train.checkpoints import best_or_newest
    from dlkit.train.confidence import calibrating
    from dlkit.train.evaluation import single_sources
    from dlkit.train.evaluation.evaluate import load_weights
    from dlkit.train.explain import explaining
    from dlkit.train.together import in_first
    from dlkit.train.tracking import track

    arguments, compares = single_sources.asked_for(arguments)
    cli = stages.fit(arguments, tests=True, checks=True)
    run = cli.run_folder
    assert run is not None
    if fit := in_first(aligning.write_sync, run, cli.datamodule):
        print(fit)
    load_weights(cli.model, best_or_newest(run))
    if cli.wish is not None and cli.wish.ensemble > 1:
        train_beside(cli, run, cli.wish.ensemble)
    print(stages.test(cli, run))
    if promises := calibrating.in_run(cli, run):
        print(promises)
    path, rows = stages.predict(cli, run, [], None)
    if compares and (beside := single_sources.compare_sources(cli, run)):
        print(beside)
    if told := in_first(explaining.explain_briefly, cli.model, cli.datamodule, run):
        print(told)
    track(cli, run)
    print(f"{rows} predictions: {path}\nfigures: {run.figures}\ntensorboard --logdir {run.tensorboard}")
    print(f"one page of all this: dlkit report {run.path}")
