(function () {
	const search = document.getElementById("search"), standing = document.getElementById("standing"), count = document.getElementById("count");
	const rows = Array.from(document.querySelectorAll(".row"), row => ({ row, text: row.textContent.toLowerCase() }));
	function filter() {
		const want = search.value.toLowerCase();
		let shown = 0;
		for (const { row, text } of rows) {
			row.hidden = !text.includes(want) || standing.value !== "" && row.dataset.standing !== standing.value;
			if (!row.hidden) shown++;
		}
		count.textContent = shown + " of " + rows.length;
	}
	search.addEventListener("input", filter);
	standing.addEventListener("change", filter);
	filter();
})();
