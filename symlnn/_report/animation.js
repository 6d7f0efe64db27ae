(() => {
  const {times, chains} = JSON.parse(document.getElementById("motions").textContent);
  const stage = document.getElementById("stage"), context = stage.getContext("2d");
  const clock = document.getElementById("clock"), play = document.getElementById("play");
  const reach = Math.max(...chains[0].points.flat().map(([x, y]) => Math.hypot(x, y)));
  const panel = stage.width / chains.length, scale = 0.42 * Math.min(panel, stage.height) / reach;
  const trail = 60;
  let elapsed = 0, last = null, playing = true;
  function draw(frame) {
    context.clearRect(0, 0, stage.width, stage.height);
    chains.forEach(({name, colour, points}, k) => {
      const at = ([x, y]) => [panel * (k + 0.5) + scale * x, stage.height / 2 - scale * y];
      context.fillStyle = context.strokeStyle = colour;
      context.font = "26px Georgia, serif";
      context.fillText(name, panel * k + 14, 34);
      const now = points[frame];
      if (now === null) { context.fillText("failed", panel * k + 14, 70); return; }
      context.lineWidth = 2; context.globalAlpha = 0.35; context.beginPath();
      for (let i = Math.max(0, frame - trail); i <= frame; i++) {
        if (points[i] !== null) context.lineTo(...at(points[i][points[i].length - 1]));
      }
      context.stroke(); context.globalAlpha = 1; context.lineWidth = 4; context.beginPath();
      context.moveTo(...at([0, 0])); now.forEach(p => context.lineTo(...at(p))); context.stroke();
      now.forEach(p => { context.beginPath(); context.arc(...at(p), 11, 0, 7); context.fill(); });
    });
    clock.textContent = times[frame].toFixed(1) + " s";
  }
  function step(stamp) {
    if (playing && last !== null) elapsed = (elapsed + (stamp - last) / 1000) % times[times.length - 1];
    last = stamp;
    let frame = times.findIndex(t => t >= elapsed);
    draw(frame < 0 ? times.length - 1 : frame);
    requestAnimationFrame(step);
  }
  play.onclick = () => { playing = !playing; play.textContent = playing ? "Pause" : "Play"; };
  draw(0); requestAnimationFrame(step);
})();
