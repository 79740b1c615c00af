"""Turns the supply of a scenario file into lines, stock and quotas with every name resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fleetopt.catalog.domain import Hardware, Offer, Provenance
from fleetopt.catalog.hardware import offer_problem
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.prices import Price
from fleetopt.scenario.currency import Exchange
from fleetopt.scenario.domain import Calendar
from fleetopt.scenario.fabric import FabricReader
from fleetopt.scenario.slips import Slips
from fleetopt.scenario.supply_domain import Budget, Carbon, Facility, Quota, Stock, Supply, SupplyLine
from fleetopt.scenario.supply_schema import BudgetFile, FacilityFile, OfferFile, OwnedFile, QuotaFile, SupplyFile
from fleetopt.scenario.terms import TermsReader
from fleetopt.scenario.upkeep import UpkeepReader

_WRITTEN_OUT = ("node_type", "kind", "term_months", "provider", "source")


class SupplyBuilder:
    """Builds the supply; what is wrong with it is added to `issues`."""

    def __init__(
        self,
        hardware: Hardware,
        calendar: Calendar,
        document: Document,
        issues: list[Issue],
        *,
        exchange: Exchange,
        slips: Slips | None = None,
    ) -> None:
        self._exchange = exchange
        self._hardware = hardware
        self._periods = [period.name for period in calendar.periods]
        self._document = document
        self._issues = issues
        self._terms = TermsReader(self._periods, document, issues)
        self._upkeep = UpkeepReader(exchange, document, issues)
        self._slips = slips or Slips({}, 1, document, issues)

    def build(self, file: SupplyFile) -> Supply:
        """The supply as values."""
        key: Key = ("supply",)
        if len(set(file.sites)) != len(file.sites):
            self._add((*key, "sites"), "names a site twice", "Keep one of them")
        if not file.offers and not file.owned:
            self._add(key, "has neither offers nor owned nodes", "Add at least one: there is nothing to plan with")
        by_offer = {name: self._lines(name, offer, file.sites) for name, offer in file.offers.items()}
        self._slips.check({name: all(line.offer.hourly for line in found) for name, found in by_offer.items() if found})
        lines = [line for found in by_offer.values() for line in found]
        stock = [self._stock(name, owned, file.sites) for name, owned in file.owned.items()]
        names = [*(line.name for line in lines), *file.owned]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self._add((*key, "offers"), f"two supplies come to be called '{name}'", "Give one of them another name")
        for site in file.most_gpu_types:
            self._must_know((*key, "most_gpu_types", site), site, file.sites, "site")
        quotas = [self._quota(name, quota, file.sites) for name, quota in file.quotas.items()]
        self._check_providers(quotas, lines)
        return Supply(
            sites=tuple(file.sites),
            lines=tuple(lines),
            stock=tuple(s for s in stock if s),
            quotas=tuple(quotas),
            budgets=tuple(self._budget(name, budget) for name, budget in file.budgets.items()),
            facilities=tuple(self._facility(site, facility, file) for site, facility in file.facilities.items()),
            carbon=Carbon(file.carbon.price, file.carbon.max),
            most_gpu_types=tuple(file.most_gpu_types.items()),
            conversions=tuple(self._exchange.said),
            fabrics=FabricReader(self._document, self._issues).read(file.fabrics, file.sites),
        )

    def _lines(self, name: str, file: OfferFile, sites: list[str]) -> list[SupplyLine]:
        """One line per site; with several sites each line's name says which."""
        key: Key = ("supply", "offers", name)
        offer = self._from_catalog(key, file) if file.offer is not None else self._written_out(key, name, file)
        chosen = sites if file.sites is None else file.sites
        for site in chosen:
            self._must_know((*key, "sites"), site, sites, "site")
        if offer is None:
            return []
        gpus = self._hardware.node_types[offer.node_type].gpus_per_node
        support = self._upkeep.of_offer((*key, "support"), offer, file.support, gpus)
        offer = replace(offer, support_usd_per_node_year=support)
        slips = () if offer.hourly else self._slips.of(name)
        lots = self._terms.read((*key, "terms"), offer, file)
        names = {site: f"{name}@{site}" if len(chosen) > 1 else name for site in chosen}
        return [
            SupplyLine(names[site] + suffix, site, priced, None, replace(terms, slips=slips), lot_of=names[site])
            if suffix
            else SupplyLine(names[site], site, priced, file.max_nodes, replace(terms, slips=slips))
            for site in chosen
            for suffix, priced, terms in lots
        ]

    def _from_catalog(self, key: Key, file: OfferFile) -> Offer | None:
        assert file.offer is not None
        for field in _WRITTEN_OUT:
            if getattr(file, field) is not None:
                what = "stands beside 'offer', which already says it"
                self._add((*key, field), what, "Take one out (only price, upfront and lead_time_months may be changed)")
        if not self._must_know((*key, "offer"), file.offer, self._hardware.offers, "offer"):
            return None
        offer = self._hardware.offers[file.offer]
        changes: dict[str, Any] = {}
        notes: list[str] = []
        if file.price is not None:
            changes["usd_per_node_h"] = self._per_node((*key, "price"), file.price, offer.node_type)
            notes.append(f"hourly price set to {changes['usd_per_node_h']:g} USD/node/h")
        if file.upfront is not None:
            changes["upfront_usd_per_node"] = self._per_node((*key, "upfront"), file.upfront, offer.node_type)
            notes.append(f"upfront price set to {changes['upfront_usd_per_node']:g} USD/node")
        if notes:
            note = f"{', '.join(notes)} in the scenario{self._written(file)}"
            changes["provenance"] = Provenance("assumed", f"{note}; was: {offer.provenance.source}")
        if file.lead_time_months is not None:
            changes["lead_time_months"] = file.lead_time_months
        return self._checked(key, replace(offer, **changes))

    def _written_out(self, key: Key, name: str, file: OfferFile) -> Offer | None:
        # Who takes the hourly price for what a bought node costs would else plan with hardware that is free.
        needed = ("node_type", "kind", "price", *(("upfront",) if file.kind == "purchase" else ()))
        missing = [field for field in needed if getattr(file, field) is None]
        if missing:
            what = f"has no {', '.join(missing)}"
            self._add(key, what, "Name a catalog 'offer' (see 'fleetopt catalog offers'), or write these out")
            return None
        assert file.node_type is not None
        assert file.kind is not None
        assert file.price is not None
        if not self._must_know((*key, "node_type"), file.node_type, self._hardware.node_types, "node type"):
            return None
        source = (file.source or "stated in the scenario") + self._written(file)
        offer = Offer(
            name=name,
            node_type=file.node_type,
            kind=file.kind,
            provider=file.provider or "unnamed",
            region="",
            usd_per_node_h=self._per_node((*key, "price"), file.price, file.node_type),
            upfront_usd_per_node=self._per_node((*key, "upfront"), file.upfront, file.node_type),
            term_months=file.term_months,
            lead_time_months=file.lead_time_months or 0,
            price_date="",
            provenance=Provenance("assumed", source),
        )
        return self._checked(key, offer)

    def _checked(self, key: Key, offer: Offer) -> Offer | None:
        problem = offer_problem(offer)
        if problem is None:
            return offer
        field, what, fix = problem
        self._add((*key, field), what, fix)
        return None

    def _stock(self, name: str, file: OwnedFile, sites: list[str]) -> Stock | None:
        key: Key = ("supply", "owned", name)
        site = file.site or sites[0]
        if file.site is None and len(sites) > 1:
            self._add(key, "names no site, and there are several", f"Add 'site:', one of {', '.join(sites)}")
        self._must_know((*key, "site"), site, sites, "site")
        if not self._must_know((*key, "node_type"), file.node_type, self._hardware.node_types, "node type"):
            return None
        if file.last is not None:
            self._must_know((*key, "last"), file.last, self._periods, "period")
        count_on = self._terms.availability((*key, "availability"), file.availability)
        running = self._per_node((*key, "price"), file.price, file.node_type)
        gpus = self._hardware.node_types[file.node_type].gpus_per_node
        support = self._upkeep.of_owned((*key, "support"), file, gpus)
        prices = (None, None) if file.sale is None else (file.sale.price, file.sale.value_at_end)
        fields = zip(("price", "value_at_end"), prices, strict=True)
        fetches, kept = (self._per_node((*key, "sale", field), price, file.node_type) for field, price in fields)
        sale = self._terms.sale((*key, "sale"), file, fetches, kept)
        return Stock(
            name,
            site,
            file.node_type,
            file.nodes,
            running,
            last=file.last,
            committed=file.committed,
            support_usd_per_node_year=support,
            sale=sale,
            availability=count_on.fraction,
            availability_from=count_on.formula,
        )

    def _quota(self, name: str, file: QuotaFile, sites: list[str]) -> Quota:
        key: Key = ("supply", "quotas", name)
        self._must_know((*key, "gpu_type"), file.gpu_type, self._hardware.gpu_types, "GPU type")
        if file.site is not None:
            self._must_know((*key, "site"), file.site, sites, "site")
        if file.period is not None:
            self._must_know((*key, "period"), file.period, self._periods, "period")
        return Quota(name, file.gpu_type, file.site, file.period, file.max_gpus, file.provider)

    def _check_providers(self, quotas: list[Quota], lines: list[SupplyLine]) -> None:
        known = {line.offer.provider for line in lines}
        for quota in quotas:
            if quota.provider is not None:
                self._must_know(("supply", "quotas", quota.name, "provider"), quota.provider, known, "provider")

    def _budget(self, name: str, file: BudgetFile) -> Budget:
        if file.period is not None:
            self._must_know(("supply", "budgets", name, "period"), file.period, self._periods, "period")
        return Budget(name, file.spending, file.period, file.max)

    def _facility(self, site: str, file: FacilityFile, supply: SupplyFile) -> Facility:
        key: Key = ("supply", "facilities", site)
        self._must_know(key, site, supply.sites, "site")
        if file.rack_units is not None or file.colocation.rack_units is not None:
            self._must_have_rack_units(key, site, supply, every=file.rack_units is not None)
        by_kw, by_unit = self._upkeep.of_room((*key, "colocation"), file.colocation)
        return Facility(
            site=site,
            power_w=file.power,
            rack_units=file.rack_units,
            pue=file.pue,
            load=file.load,
            usd_per_kwh=file.electricity,
            carbon_g_per_kwh=file.carbon,
            colocation_usd_per_kw_month=by_kw,
            colocation_usd_per_unit_month=by_unit,
            nodes_per_rack=file.nodes_per_rack,
        )

    def _must_have_rack_units(self, key: Key, site: str, supply: SupplyFile, *, every: bool) -> None:
        """Neither a limit nor a price of rack units says anything of nodes whose height nobody states."""
        here = [o for o in supply.offers.values() if site in (o.sites or supply.sites)]
        named = [o.node_type or self._offered(o) for o in here if every or self._kind(o) in ("lease", "purchase")]
        owned = [o for o in supply.owned.values() if every or not o.committed]
        named += [o.node_type for o in owned if (o.site or supply.sites[0]) == site]
        for name in dict.fromkeys(name for name in named if name is not None):
            node = self._hardware.node_types.get(name)
            if node is not None and node.rack_units is None:
                what = f"counts rack units, and nobody states those of {name}"
                field = ("rack_units",) if every else ("colocation", "rack_units")
                self._add((*key, *field), what, "State rack_units in a node_types.csv of the scenario")

    def _kind(self, file: OfferFile) -> str | None:
        offer = self._hardware.offers.get(file.offer or "")
        return file.kind if offer is None else offer.kind

    def _offered(self, file: OfferFile) -> str | None:
        offer = self._hardware.offers.get(file.offer or "")
        return None if offer is None else offer.node_type

    def _per_node(self, key: Key, price: Price | None, node_type: str) -> float:
        """USD per node, zero where there is no price."""
        return (
            0.0 if price is None else self._exchange.usd(key, price, self._hardware.node_types[node_type].gpus_per_node)
        )

    def _written(self, file: OfferFile) -> str:
        """How the prices of an offer stood where it was not in dollars."""
        notes = [self._exchange.note(price) for price in (file.price, file.upfront) if price is not None]
        return "".join(f"; {note}" for note in notes if note)

    def _must_know(self, key: Key, name: str, known: Iterable[str], kind: str) -> bool:
        names = list(known)
        if name in names:
            return True
        self._issues.append(
            self._document.issue("unknown-name", key, f"'{name[:60]}' is no {kind} here", did_you_mean(name, names))
        )
        return False

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))
