"""``ocrkit zoo``: the trained models that are installed."""

import click


@click.group()
def zoo() -> None:
    """The trained models that are installed."""


@zoo.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_(as_json: bool) -> None:
    """List the trained models with what they read, their size, scores and licence."""
    import json

    from ocrkit.zoo import models

    found, problems = models()
    if as_json:
        listed = [{"name": each.name, "owner": each.owner, **each.manifest} for each in found]
        click.echo(json.dumps({"models": listed, "broken": problems}, ensure_ascii=False, indent=2))
        return
    from ocrkit.cli.tables import print_table

    rows = []
    for each in found:
        weights, results = each.manifest["weights"], each.manifest.get("results", {})
        scores = ", ".join(f"{name} {score['value']:.4f}" for name, score in results.get("metrics", {}).items())
        on = f" on {results['dataset']}" if scores else ""
        parameters = f"{weights['parameters']:,}" if "parameters" in weights else ""
        size = f"{each.weights_path.stat().st_size / 1e6:.1f} MB" if each.weights_path.is_file() else "missing"
        rows.append((each.name, each.owner, parameters, size, f"{scores}{on}", each.manifest.get("licence", "none stated")))
    print_table(("model", "plugin", "parameters", "size", "scores", "licence"), rows, right=("parameters", "size"))
    for problem in problems:
        click.echo(f"broken: {problem}")


@zoo.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The manifest as one JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show the manifest and the card of the model NAME."""
    import json

    import tomli_w

    from ocrkit.zoo import model

    found = model(name)
    if as_json:
        click.echo(json.dumps(found.manifest, ensure_ascii=False, indent=2))
        return
    card = found.folder / "CARD.md"
    if card.is_file():
        click.echo(card.read_text(encoding="utf-8"))
    click.echo(tomli_w.dumps(found.manifest))
